#pragma once

#include <map>
#include <string>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Returns the tensors of an AutoencoderKL under diffusers' names. `original` has the original names, without
/// "first_stage_model.". Tensors that only training uses are left out. Throws Error that begins with `where`
/// if two names become one.
std::map<std::string, FileTensor> autoencoder_tensors(const std::map<std::string, FileTensor>& original,
                                                      const std::string& where);

}  // namespace streamdiffusion
