#include "posix/executable.h"

#include <system_error>

#ifdef __APPLE__
#include <mach-o/dyld.h>

#include <cstdint>
#include <string>
#endif

namespace streamdiffusion::posix {

std::filesystem::path executable_path() {
  std::error_code error;
#ifdef __APPLE__
  std::uint32_t size = 0;
  _NSGetExecutablePath(nullptr, &size);
  std::string path(size, '\0');
  return _NSGetExecutablePath(path.data(), &size) == 0 ? std::filesystem::canonical(path.c_str(), error)
                                                       : std::filesystem::path();
#else
  return std::filesystem::read_symlink("/proc/self/exe", error);
#endif
}

}  // namespace streamdiffusion::posix
