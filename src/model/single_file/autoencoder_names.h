#pragma once

#include <map>
#include <string>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// The tensors of an AutoencoderKL under diffusers' names, from those of the original one (what follows
/// "first_stage_model."). What only training used is left out. Throws
/// Error, beginning with `where`, where two names become one.
std::map<std::string, FileTensor> autoencoder_tensors(const std::map<std::string, FileTensor>& original,
                                                      const std::string& where);

}  // namespace streamdiffusion
