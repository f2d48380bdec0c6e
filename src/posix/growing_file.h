#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>

namespace streamdiffusion::posix {

/// A file that is written from its end on, and goes on where an earlier run has stopped. Throws Error that
/// names the file and what the system says (a full disk, missing rights).
class GrowingFile {
 public:
  /// Opens or makes it; what is in it stays.
  explicit GrowingFile(const std::filesystem::path& file);
  ~GrowingFile();
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;

  [[nodiscard]] std::int64_t size() const { return size_; }
  void append(std::span<const std::byte> bytes);
  /// Empties it.
  void clear();
  /// Hands out all that is in it, in pieces.
  void read_all(const std::function<void(std::span<const std::byte>)>& take) const;
  /// Comes back once the bytes are on the disk.
  void sync() const;

 private:
  [[noreturn]] void fail(const char* what, int error) const;

  std::filesystem::path file_;
  int descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace streamdiffusion::posix
