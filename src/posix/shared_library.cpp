#include "posix/shared_library.h"

#include <dlfcn.h>

#include <filesystem>
#include <system_error>

#include "posix/executable.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {

namespace {

/// Returns the folder of the program or shared library that contains this code.
std::filesystem::path own_folder() {
  Dl_info info{};
  std::error_code error;
  if (dladdr(reinterpret_cast<void*>(&open_library_function), &info) == 0 || info.dli_fname == nullptr) {
    return {};
  }
  const auto file = std::filesystem::canonical(info.dli_fname, error);
  // For a program, dli_fname may be relative to the folder in which it was started.
  return (error ? executable_path() : file).parent_path();
}

}  // namespace

void* open_library_function(const std::string& file, const std::string& function) {
  const std::filesystem::path folder = own_folder();
  std::string place = file;
  for (const std::filesystem::path& candidate :
       {folder / file, folder.parent_path() / STREAMDIFFUSION_LIBRARY_FOLDER / file}) {
    if (std::filesystem::exists(candidate)) {
      place = candidate.string();
      break;
    }
  }
  void* const library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    throw SystemError(reason != nullptr ? reason : file + " cannot be opened");
  }
  void* const found = dlsym(library, function.c_str());
  if (found == nullptr) {
    throw SystemError(place + " is not what it should be: it has no " + function);
  }
  return found;
}

}  // namespace streamdiffusion::posix
