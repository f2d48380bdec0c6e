#include "model/files/dduf.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

namespace fs = std::filesystem;

/// The bytes of a ZIP archive. Numbers are little endian. An access past the end throws Error.
class ZipBytes {
 public:
  ZipBytes(std::span<const std::byte> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const { throw FileError(where_ + ": " + what); }

  [[nodiscard]] std::uint64_t size() const { return bytes_.size(); }

  [[nodiscard]] std::span<const std::byte> part(std::uint64_t at, std::uint64_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) {
      fail("is cut short or damaged; download it again");
    }
    return bytes_.subspan(at, size);
  }

  [[nodiscard]] std::uint64_t number(std::uint64_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (const std::byte byte : part(at, size)) {
      value = value >> 8U | std::to_integer<std::uint64_t>(byte) << 56U;
    }
    return value >> (8 * (8 - size));
  }

  [[nodiscard]] std::string text(std::uint64_t at, std::uint64_t size) const {
    const std::span<const std::byte> bytes = part(at, size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  [[nodiscard]] bool has_signature(std::uint64_t at, std::string_view signature) const {
    return at <= size() && signature.size() <= size() - at && text(at, signature.size()) == signature;
  }

 private:
  std::span<const std::byte> bytes_;
  const std::string& where_;
};

constexpr std::string_view kLocalHeader = "PK\x03\x04";
constexpr std::string_view kDirectoryEntry = "PK\x01\x02";
constexpr std::string_view kEnd = "PK\x05\x06";
constexpr std::string_view kEnd64 = "PK\x06\x06";
constexpr std::string_view kEnd64Locator = "PK\x06\x07";
constexpr std::uint64_t kEndSize = 22;
constexpr std::uint64_t kLongestComment = 0xFFFF;
constexpr std::uint64_t kInZip64 = 0xFFFFFFFF;  // marks a number that the ZIP64 record holds instead

/// Position of the central directory and its number of entries.
struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t begin = 0;
};

std::uint64_t find_end(const ZipBytes& zip) {
  const std::uint64_t furthest = std::min(zip.size(), kEndSize + kLongestComment);
  for (std::uint64_t distance = kEndSize; distance <= furthest; ++distance) {
    const std::uint64_t at = zip.size() - distance;
    if (zip.has_signature(at, kEnd) && zip.number(at + 20, 2) == distance - kEndSize) {
      return at;
    }
  }
  zip.fail("is not a DDUF file, or its end is missing; download it again");
}

Directory find_directory(const ZipBytes& zip) {
  const std::uint64_t end = find_end(zip);
  constexpr std::uint64_t kLocatorSize = 20;
  if (end >= kLocatorSize && zip.has_signature(end - kLocatorSize, kEnd64Locator)) {
    const std::uint64_t end64 = zip.number(end - kLocatorSize + 8, 8);
    if (!zip.has_signature(end64, kEnd64)) {
      zip.fail("its ZIP64 directory is damaged; download it again");
    }
    return {.entries = zip.number(end64 + 32, 8), .begin = zip.number(end64 + 48, 8)};
  }
  return {.entries = zip.number(end + 10, 2), .begin = zip.number(end + 16, 4)};
}

/// An entry of the central directory.
struct ZipEntry {
  std::string name;
  std::uint64_t size = 0;
  std::uint64_t header = 0;
  std::uint64_t next = 0;  ///< Offset of the next entry.
};

/// Replaces numbers that do not fit into 32 bits by those of the ZIP64 record, in the order of `numbers`.
void read_zip64_numbers(const ZipBytes& zip, std::uint64_t at, std::uint64_t end,
                        std::initializer_list<std::uint64_t*> numbers) {
  constexpr std::uint64_t kZip64 = 1;
  while (at + 4 <= end) {
    const std::uint64_t next = at + 4 + zip.number(at + 2, 2);
    if (zip.number(at, 2) == kZip64) {
      at += 4;
      for (std::uint64_t* const number : numbers) {
        if (*number == kInZip64) {
          *number = zip.number(at, 8);
          at += 8;
        }
      }
      return;
    }
    at = next;
  }
}

ZipEntry read_entry(const ZipBytes& zip, std::uint64_t at) {
  if (!zip.has_signature(at, kDirectoryEntry)) {
    zip.fail("its directory is damaged; download it again");
  }
  const std::uint64_t extra = at + 46 + zip.number(at + 28, 2);
  const std::uint64_t comment = extra + zip.number(at + 30, 2);
  ZipEntry entry{.name = zip.text(at + 46, zip.number(at + 28, 2)),
                 .size = zip.number(at + 24, 4),
                 .header = zip.number(at + 42, 4),
                 .next = comment + zip.number(at + 32, 2)};
  std::uint64_t stored_size = zip.number(at + 20, 4);
  read_zip64_numbers(zip, extra, comment, {&entry.size, &stored_size, &entry.header});
  const bool encrypted = (zip.number(at + 8, 2) & 1U) != 0;
  if (zip.number(at + 10, 2) != 0 || encrypted || stored_size != entry.size) {
    zip.fail(
        "its entry \"" + entry.name +
        "\" is compressed or encrypted, which a DDUF file does not allow; write it with huggingface_hub's "
        "export_folder_as_dduf");
  }
  return entry;
}

std::span<const std::byte> data_of(const ZipBytes& zip, const ZipEntry& entry) {
  if (!zip.has_signature(entry.header, kLocalHeader)) {
    zip.fail("its entry \"" + entry.name + "\" is damaged; download it again");
  }
  const std::uint64_t names = zip.number(entry.header + 26, 2) + zip.number(entry.header + 28, 2);
  return zip.part(entry.header + 30 + names, entry.size);
}

/// Returns the name of an entry or folder without a trailing "/", empty for the root folder.
std::string entry_name(const fs::path& inside) {
  const fs::path name = inside.has_filename() ? inside : inside.parent_path();
  return name == "." ? "" : name.generic_string();
}

}  // namespace

std::map<std::string, std::span<const std::byte>> read_stored_zip(std::span<const std::byte> bytes,
                                                                  const std::string& where) {
  const ZipBytes zip(bytes, where);
  const Directory directory = find_directory(zip);
  std::map<std::string, std::span<const std::byte>> entries;
  std::uint64_t at = directory.begin;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    const ZipEntry entry = read_entry(zip, at);
    if (!entries.emplace(entry.name, data_of(zip, entry)).second) {
      zip.fail("has \"" + entry.name + "\" twice");
    }
    at = entry.next;
  }
  return entries;
}

DdufFile::DdufFile(const fs::path& file)
    : mapped_(file), entries_(read_stored_zip(mapped_.bytes(), file.string())) {}

std::optional<std::span<const std::byte>> DdufFile::find(const std::string& entry) const {
  const auto found = entries_.find(entry);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

bool DdufFile::has_folder(const std::string& folder) const {
  const std::string prefix = folder.empty() ? "" : folder + "/";
  const auto found = entries_.lower_bound(prefix);
  return found != entries_.end() && found->first.starts_with(prefix);
}

std::optional<DdufPath> find_dduf(const fs::path& path) {
  for (fs::path file = path; !file.empty(); file = file.parent_path()) {
    std::error_code ignored;
    if (file.extension() == ".dduf" && fs::is_regular_file(file, ignored)) {
      return DdufPath{.file = file, .entry = entry_name(path.lexically_relative(file))};
    }
    if (file == file.parent_path()) {
      break;
    }
  }
  return std::nullopt;
}

bool is_model_file(const fs::path& path) {
  if (const std::optional<DdufPath> dduf = find_dduf(path)) {
    return DdufFile(dduf->file).find(dduf->entry).has_value();
  }
  return fs::exists(path);
}

bool is_model_folder(const fs::path& path) {
  if (const std::optional<DdufPath> dduf = find_dduf(path)) {
    return DdufFile(dduf->file).has_folder(dduf->entry);
  }
  return fs::is_directory(path);
}

}  // namespace streamdiffusion
