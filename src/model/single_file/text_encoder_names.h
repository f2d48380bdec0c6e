#pragma once

#include <map>
#include <string>

#include "model/files/safetensors.h"

namespace streamdiffusion {

// These functions return a text encoder's tensors under transformers' names, from those of an original
// checkpoint. They throw Error that begins with `where` if two names become one.

/// Converts names of Stable Diffusion 1.x, without "cond_stage_model.transformer.".
std::map<std::string, FileTensor> clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                    const std::string& where);

/// Converts names of Stable Diffusion 2.x (OpenCLIP), without "cond_stage_model.model.". Fused projections
/// are split into queries, keys and values. A whole OpenCLIP's last layer is left out: Stable Diffusion 2
/// uses the output of the one before it. Throws Error for a fused projection that does not divide into three.
std::map<std::string, FileTensor> open_clip_text_tensors(const std::map<std::string, FileTensor>& original,
                                                         const std::string& where);

}  // namespace streamdiffusion
