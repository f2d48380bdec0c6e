#pragma once

#include <filesystem>

namespace streamdiffusion::posix {

/// Returns the path of the running program, with links resolved, or an empty path if it is unknown.
std::filesystem::path executable_path();

}  // namespace streamdiffusion::posix
