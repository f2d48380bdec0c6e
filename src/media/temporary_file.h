#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

namespace streamdiffusion {

/// A file that is written under a temporary name in the same folder and renamed when it is complete. If
/// destroyed before, it is deleted. A target that is not a regular file (/dev/null, a named pipe) is written
/// directly.
class TemporaryFile {
 public:
  /// Throws Error if the folder is missing or the target is a folder.
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  /// The path to write to.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Renames the finished file to its target; it must be closed before. Throws Error.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  bool pending_ = true;
};

/// Writes a complete file or none. Throws Error if the disk is full or the folder cannot be written.
void write_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes);

}  // namespace streamdiffusion
