#pragma once

#include <filesystem>

#include "model/autoencoder_files.h"
#include "model/model_files.h"

namespace streamdiffusion {

/// Opens a checkpoint of Stable Diffusion 1.x or 2.x in one safetensors file with the original names
/// (model.diffusion_model, cond_stage_model, first_stage_model). Derives the configurations from the tensors.
/// Does not check that the parts fit one another. Throws Error for any other file.
ModelFiles open_single_file(const ModelOptions& options);

/// Opens an AutoencoderKL in one safetensors file, alone or inside a checkpoint, with original or diffusers'
/// names. Throws Error for any other file.
AutoencoderFiles open_autoencoder_file(const std::filesystem::path& file);

}  // namespace streamdiffusion
