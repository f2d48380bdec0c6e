#pragma once

#include <filesystem>

namespace streamdiffusion::cli {

/// The folder of the model that is used where none is named: $STREAMDIFFUSION_MODEL, or what was installed
/// with the program, or models/default of the source tree it was built from. Throws Error where there is
/// none.
std::filesystem::path default_model();

}  // namespace streamdiffusion::cli
