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

/// A DDUF file, mapped into memory: a diffusers folder as an uncompressed ZIP archive. Paths into it look
/// like `model.dduf/unet/config.json`.
class DdufFile {
 public:
  /// Throws Error if the file cannot be read, is no ZIP archive, or has an entry that is compressed,
  /// encrypted, cut short or duplicated.
  explicit DdufFile(const std::filesystem::path& file);

  /// Returns the bytes of an entry, valid as long as this object, or nothing if there is no such entry.
  [[nodiscard]] std::optional<std::span<const std::byte>> find(const std::string& entry) const;
  /// True if there are entries in this folder; an empty name means the root folder.
  [[nodiscard]] bool has_folder(const std::string& folder) const;

  /// Tells the system that the mapped pages are not needed at present. The data can still be read.
  void release_pages() const { mapped_.release_pages(); }

 private:
  MappedFile mapped_;
  std::map<std::string, std::span<const std::byte>> entries_;
};

/// Returns the entries of an uncompressed ZIP archive as parts of `bytes`. Errors begin with `where`.
std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> bytes,
                                                                  const std::string& where);

/// A path into a DDUF file.
struct DdufPath {
  std::filesystem::path file;
  std::string entry;  ///< File or folder inside the DDUF file; empty for the root folder.
};

/// Splits a path at the DDUF file that it names or leads into. Returns nothing for an ordinary path.
std::optional<DdufPath> find_dduf(const std::filesystem::path& path);

/// True if the file exists, on disk or in a DDUF file.
bool is_model_file(const std::filesystem::path& path);

/// True if the folder exists, on disk or in a DDUF file. A DDUF file itself counts as a folder.
bool is_model_folder(const std::filesystem::path& path);

}  // namespace streamdiffusion
