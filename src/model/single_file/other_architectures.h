#pragma once

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Throws Error if the tensors' names show that the file is not a checkpoint of Stable Diffusion 1.x or 2.x.
/// The message says what the file is and what to do with it.
void refuse_other_architectures(const SafeTensors& file);

}  // namespace streamdiffusion
