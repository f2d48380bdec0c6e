#pragma once

#include "model/model_files.h"

namespace streamdiffusion {

/// A diffusers folder, the one with model_index.json. Whether its parts fit one another is not checked.
ModelFiles open_model_folder(const ModelOptions& options);

}  // namespace streamdiffusion
