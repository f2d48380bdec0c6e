#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "media/byte_view.h"

namespace streamdiffusion {

/// Reads a file forwards, a few bytes here and there.
class FileWalk {
 public:
  explicit FileWalk(const std::filesystem::path& file)
      : size_(std::filesystem::file_size(file)), stream_(file, std::ios::binary) {}

  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Bytes from here to the end of the file.
  [[nodiscard]] std::uint64_t bytes_left() const { return size_ - position_; }

  /// Returns the next `count` bytes (at most 32) without going on; fewer where the file ends. They are valid
  /// until the next call.
  Bytes peek(std::size_t count) {
    stream_.clear();
    if (stream_position_ != position_) stream_.seekg(static_cast<std::streamoff>(position_));
    stream_.read(reinterpret_cast<char*>(bytes_.data()),
                 static_cast<std::streamsize>(std::min(count, bytes_.size())));
    const auto read = static_cast<std::size_t>(stream_.gcount());
    stream_position_ = position_ + read;
    return Bytes(bytes_).first(read);
  }
  /// Goes on by `count` bytes, at most to the end of the file. Seeking drops the stream's buffer, so short
  /// ways are read.
  void skip(std::uint64_t count) {
    constexpr std::uint64_t kShort = 4096;
    position_ += std::min(count, bytes_left());
    if (position_ < stream_position_ || position_ - stream_position_ > kShort) return;
    stream_.clear();
    stream_.ignore(static_cast<std::streamsize>(position_ - stream_position_));
    stream_position_ = position_;
  }

 private:
  std::uint64_t size_;
  std::ifstream stream_;
  std::array<std::uint8_t, 32> bytes_{};
  std::uint64_t position_ = 0;
  std::uint64_t stream_position_ = 0;  ///< the stream's own, which may differ from position_
};

}  // namespace streamdiffusion
