#pragma once

#include <filesystem>

namespace streamdiffusion::cli {

/// The folder of the default model. It is the first that exists of: $STREAMDIFFUSION_MODEL (not checked), the
/// model installed with the program, and models/default of the source tree. Throws Error if there is none.
std::filesystem::path default_model();

}  // namespace streamdiffusion::cli
