#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace streamdiffusion {

/// A file mapped into memory, read-only. Unmapped with the object; move-only.
class MappedFile {
 public:
  /// Throws Error if the file is missing, is not a regular file or cannot be read.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// Returns the resident pages to the system. Later accesses read them from the file again.
  void release_pages() const;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace streamdiffusion
