#pragma once

#include "model/config/config.h"
#include "model/files/tensor_files.h"

namespace streamdiffusion {

// Each function derives a configuration from the names (those of diffusers and transformers) and shapes of
// tensors. Other values are those of every Stable Diffusion 1.x and 2.x. It throws Error if a tensor is
// missing that all such models have, or if the parser of config.json would refuse the result.

/// The generation of Stable Diffusion that a part comes from.
enum class Family { sd1, sd2 };

/// Tells the two generations apart by the projections around transformers. Stable Diffusion 1 has
/// convolutions there and eight heads everywhere; 2 has linear layers and heads of 64 channels.
Family recognise_family(const TensorFiles& unet);

/// `sample_size` is the side of the latents that the model was trained with.
UNet2DConditionConfig recognise_unet(const TensorFiles& unet, std::int64_t sample_size);
ClipTextConfig recognise_text_encoder(const TensorFiles& text_encoder, Family family);
AutoencoderKLConfig recognise_autoencoder(const TensorFiles& autoencoder);

}  // namespace streamdiffusion
