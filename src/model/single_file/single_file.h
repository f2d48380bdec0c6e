#pragma once

#include <filesystem>

#include "model/autoencoder_files.h"
#include "model/model_files.h"

namespace streamdiffusion {

/// A checkpoint of Stable Diffusion 1.x or 2.x in one safetensors file, named as the original code does
/// (model.diffusion_model, cond_stage_model, first_stage_model). What its parts are is recognised from their
/// tensors. Whether they fit one another is not checked.
ModelFiles open_single_file(const ModelOptions& options);

/// An AutoencoderKL in one safetensors file: alone or inside a checkpoint, in the original naming or in
/// diffusers'.
AutoencoderFiles open_autoencoder_file(const std::filesystem::path& file);

}  // namespace streamdiffusion
