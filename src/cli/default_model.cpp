#include "cli/default_model.h"

#include <cstdlib>
#include <string>
#include <system_error>

#include "posix/executable.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {
namespace {

bool is_model(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / "model_index.json", error);
}

}  // namespace

std::filesystem::path default_model() {
  if (const char* const named = std::getenv("STREAMDIFFUSION_MODEL"); named != nullptr && *named != '\0') {
    return named;
  }
  const std::filesystem::path installed =
      (posix::executable_path().parent_path() / STREAMDIFFUSION_INSTALLED_MODEL).lexically_normal();
  const std::filesystem::path source = STREAMDIFFUSION_SOURCE_MODEL;
  for (const std::filesystem::path& folder : {installed, source}) {
    if (is_model(folder)) {
      return folder;
    }
  }
  throw Error("no default model in " + installed.string() + " or " + source.string() +
              "; name a model folder with --model or in the environment as STREAMDIFFUSION_MODEL");
}

}  // namespace streamdiffusion::cli
