#pragma once

#include <filesystem>
#include <optional>

namespace streamdiffusion::posix {

/// A lock between processes, on a file that is created for it. It uses flock and is therefore compatible with
/// Python's filelock. Released with the object; move-only.
class FileLock {
 public:
  /// Returns nullopt if another process holds the lock. Throws Error if the file cannot be created.
  static std::optional<FileLock> try_lock(const std::filesystem::path& file);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace streamdiffusion::posix
