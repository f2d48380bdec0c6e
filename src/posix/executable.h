#pragma once

#include <filesystem>

namespace streamdiffusion::posix {

/// The file of the running program, links followed; empty where the system does not tell.
std::filesystem::path executable_path();

}  // namespace streamdiffusion::posix
