#pragma once

#include <map>
#include <string>

#include "model/files/safetensors.h"

namespace streamdiffusion {

// The tensors of a text encoder under transformers' names, from those of an original checkpoint. Both throw
// Error, beginning with `where`, where two names become one.

/// Stable Diffusion 1.x: those after "cond_stage_model.transformer.".
std::map<std::string, FileTensor> clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                    const std::string& where);

/// Stable Diffusion 2.x: those after "cond_stage_model.model.", OpenCLIP's. Queries, keys and values are
/// taken apart. The last layer of a whole OpenCLIP is left out: Stable Diffusion 2 uses the one before it.
/// Throws Error for a fused projection that does not divide into three.
std::map<std::string, FileTensor> open_clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                         const std::string& where);

}  // namespace streamdiffusion
