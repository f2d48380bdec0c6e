#include "model/networks/autoencoder.h"

#include <variant>

#include "model/networks/autoencoder_kl.h"
#include "model/networks/autoencoder_tiny.h"

namespace streamdiffusion {

namespace {

// Side of the smallest tensors in an autoencoder, the latents of a 512x512 image. Decides how to pack layers.
constexpr std::int64_t kLatentSide = 64;

}  // namespace

std::unique_ptr<Autoencoder> Autoencoder::make(Device& device, const AutoencoderFiles& files,
                                               Precision precision) {
  LayerCache cache;
  LayerLoader layers(device, files.weights, Lora::Network::unet, {}, cache, precision);
  layers.expect_side(kLatentSide);
  std::unique_ptr<Autoencoder> autoencoder =
      std::visit([&](const auto& config) { return make_autoencoder(config, layers); }, files.config);
  files.weights.release_pages();
  return autoencoder;
}

}  // namespace streamdiffusion
