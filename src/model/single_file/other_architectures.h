#pragma once

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// Throws Error for a file whose tensors' names tell that it is something else than a checkpoint of Stable
/// Diffusion 1.x or 2.x: says what it is, and what to do with it.
void refuse_other_architectures(const SafeTensors& file);

}  // namespace streamdiffusion
