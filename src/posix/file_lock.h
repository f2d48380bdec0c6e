#pragma once

#include <filesystem>
#include <optional>

namespace streamdiffusion::posix {

/// A lock between processes on a file that is made for it (flock, as Python's filelock takes it). Released
/// with the object; move-only.
class FileLock {
 public:
  /// None where another process holds it. Throws Error where the file cannot be made.
  static std::optional<FileLock> try_lock(const std::filesystem::path& file);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace streamdiffusion::posix
