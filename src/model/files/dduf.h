#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "posix/mapped_file.h"

namespace streamdiffusion {

/// A DDUF file, mapped into memory: a diffusers folder in one file, a ZIP archive whose entries are not
/// compressed. Its entries are read by paths that go through it, such as `model.dduf/unet/config.json`.
class DdufFile {
 public:
  /// Throws Error where the file cannot be read, is no ZIP archive, or has an entry that is compressed,
  /// encrypted, cut short or there twice.
  explicit DdufFile(const std::filesystem::path& file);

  /// The bytes of an entry, valid as long as the object; none where there is no such entry.
  [[nodiscard]] std::optional<std::span<const std::byte>> find(const std::string& entry) const;
  /// True if there are entries inside of this folder; the empty text names the outermost.
  [[nodiscard]] bool has_folder(const std::string& folder) const;

  /// Tells the system that the mapped pages are not needed for now; reading again is still allowed.
  void release_pages() const { mapped_.release_pages(); }

 private:
  MappedFile mapped_;
  std::map<std::string, std::span<const std::byte>> entries_;
};

/// Reads the entries of a ZIP archive that are not compressed. Throws Error, beginning with `where`.
std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> bytes,
                                                                  const std::string& where);

/// A path that goes through a DDUF file.
struct DdufPath {
  std::filesystem::path file;
  std::string entry;  ///< a file or folder inside; empty for the outermost folder
};

/// The DDUF file that `path` names or goes through; none where it is a path of the file system alone.
std::optional<DdufPath> find_dduf(const std::filesystem::path& path);

/// True if there is such a file, in the file system or in a DDUF file.
bool is_model_file(const std::filesystem::path& path);

/// True if there is such a folder, in the file system or in a DDUF file; such a file is a folder itself.
bool is_model_folder(const std::filesystem::path& path);

}  // namespace streamdiffusion
