#include "posix/unreadable_file.h"

#include <cerrno>
#include <string>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {

void throw_unreadable(const std::filesystem::path& file, int error) {
  const std::string message = file.string() + ": cannot be read: " + std::generic_category().message(error);
  if (error == ENOENT || error == ENOTDIR) {
    throw FileError(message);
  }
  throw SystemError(message);
}

}  // namespace streamdiffusion::posix
