#pragma once

#include <memory>

#include "model/config/config.h"
#include "model/networks/autoencoder.h"

namespace streamdiffusion {

/// Makes an AutoencoderKL, the full autoencoder of Stable Diffusion. It encodes pixels in -1 .. 1 to the
/// mean.
std::unique_ptr<Autoencoder> make_autoencoder(const AutoencoderKLConfig& config, LayerLoader& layers);

}  // namespace streamdiffusion
