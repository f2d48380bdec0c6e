#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace streamdiffusion {

/// A file that is written under another name in the same folder and takes its own name only when it is whole.
/// Destroyed before, it leaves nothing. What is no regular file (/dev/null, a named pipe) is written
/// directly.
class TemporaryFile {
 public:
  /// Throws Error when the folder is missing or the target is a folder.
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// Where to write.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Gives the finished file (closed by then) its name. Throws Error.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  bool pending_ = true;
};

/// Writes a whole file or leaves none. Throws Error on a full disk and an unwritable folder.
void write_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes);

}  // namespace streamdiffusion
