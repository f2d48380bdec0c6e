#pragma once

#include "model/config/config.h"
#include "model/networks/autoencoder.h"

namespace streamdiffusion {

/// AutoencoderKL, the full autoencoder of Stable Diffusion. It encodes pixels in -1 .. 1 to the mean.
class AutoencoderKL final : public Autoencoder {
 public:
  AutoencoderKL(const AutoencoderKLConfig& config, LayerLoader& layers);
  ~AutoencoderKL() override;

  [[nodiscard]] PixelRange encode_range() const override { return {2.0F, -1.0F}; }
  void encode(Context& context, const Tensor& image, const Tensor& latents) const override;
  void decode(Context& context, const Tensor& latents, const Tensor& image) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
