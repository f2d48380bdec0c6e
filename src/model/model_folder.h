#pragma once

#include "model/model_files.h"

namespace streamdiffusion {

/// Opens a diffusers folder, the one with model_index.json. Does not check that its parts fit one another.
ModelFiles open_model_folder(const ModelOptions& options);

}  // namespace streamdiffusion
