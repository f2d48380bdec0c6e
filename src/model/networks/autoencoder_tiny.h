#pragma once

#include <memory>

#include "model/config/config.h"
#include "model/networks/autoencoder.h"

namespace streamdiffusion {

/// Makes an AutoencoderTiny (TAESD): convolutions with ReLU. It encodes pixels in 0 .. 1.
std::unique_ptr<Autoencoder> make_autoencoder(const AutoencoderTinyConfig& config, LayerLoader& layers);

}  // namespace streamdiffusion
