#pragma once

#include "model/config/config.h"
#include "model/files/tensor_files.h"

namespace streamdiffusion {

// The configurations that a network's tensors (in diffusers' and transformers' names) tell. What they do not
// tell is as in every Stable Diffusion 1.x and 2.x. Each throws Error where tensors are missing that all of
// them have, or where a folder's configuration with these values would be refused.

/// Which Stable Diffusion a part comes from.
enum class Family { sd1, sd2 };

/// Stable Diffusion 1 has convolutions before and behind its transformers and eight heads everywhere; 2 has
/// linear layers there and heads of 64 channels.
Family recognise_family(const TensorFiles& unet);

UNet2DConditionConfig recognise_unet(const TensorFiles& unet, std::int64_t sample_size);
ClipTextConfig recognise_text_encoder(const TensorFiles& text_encoder, Family family);
AutoencoderKLConfig recognise_autoencoder(const TensorFiles& autoencoder);

}  // namespace streamdiffusion
