#include "model/files/text_file.h"

#include <cerrno>
#include <fstream>

#include "model/files/dduf.h"
#include "posix/unreadable_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

[[noreturn]] void throw_too_large(const std::filesystem::path& file, std::size_t limit) {
  throw FileError(file.string() + ": is larger than " + std::to_string(limit) +
                  " bytes, too large for such a file");
}

std::string read_from_dduf(const DdufPath& path, const std::filesystem::path& file, std::size_t limit) {
  const DdufFile dduf(path.file);
  const auto bytes = dduf.find(path.entry);
  if (!bytes) {
    throw FileError(path.file.string() + ": has no \"" + path.entry + "\"");
  }
  if (bytes->size() > limit) {
    throw_too_large(file, limit);
  }
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

}  // namespace

std::string read_text_file(const std::filesystem::path& file, std::size_t limit) {
  if (const auto path = find_dduf(file)) {
    return read_from_dduf(*path, file, limit);
  }
  if (std::filesystem::is_directory(file)) {
    throw FileError(file.string() + ": is a folder, not a file");
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    posix::throw_unreadable(file, errno);
  }
  std::string text;
  for (char block[1 << 16]; in.read(block, sizeof block) || in.gcount() > 0;) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit) {
      throw_too_large(file, limit);
    }
  }
  if (in.bad()) {
    throw FileError(file.string() + ": cannot be read to its end");
  }
  return text;
}

}  // namespace streamdiffusion
