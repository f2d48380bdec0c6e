#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace streamdiffusion {

/// A file's bytes, mapped read-only. Unmapped with the object; move-only.
class MappedFile {
 public:
  /// Throws Error where the file is missing, is none or cannot be read.
  explicit MappedFile(const std::filesystem::path& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// Gives the resident pages back to the system; they are read again when they are touched.
  void release_pages() const;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace streamdiffusion
