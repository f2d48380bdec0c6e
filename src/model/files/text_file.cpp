#include "model/files/text_file.h"

#include <cerrno>
#include <fstream>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

std::string read_text_file(const std::filesystem::path& file, std::size_t limit) {
  if (std::filesystem::is_directory(file)) {
    throw Error(file.string() + ": is a folder, not a file");
  }
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw Error(file.string() + ": cannot be read: " + std::generic_category().message(errno));
  }
  std::string text;
  for (char block[1 << 16]; in.read(block, sizeof block) || in.gcount() > 0;) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit) {
      throw Error(file.string() + ": is larger than " + std::to_string(limit) +
                  " bytes, too large for such a file");
    }
  }
  if (in.bad()) {
    throw Error(file.string() + ": cannot be read to its end");
  }
  return text;
}

}  // namespace streamdiffusion
