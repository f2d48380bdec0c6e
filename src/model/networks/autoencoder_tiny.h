#pragma once

#include "model/config/config.h"
#include "model/networks/autoencoder.h"

namespace streamdiffusion {

/// AutoencoderTiny (TAESD): convolutions with ReLU. It encodes pixels in 0 .. 1.
class AutoencoderTiny final : public Autoencoder {
 public:
  AutoencoderTiny(const AutoencoderTinyConfig& config, LayerLoader& layers);
  ~AutoencoderTiny() override;

  [[nodiscard]] PixelRange encode_range() const override { return {1.0F, 0.0F}; }
  void encode(Context& context, const Tensor& image, const Tensor& latents) const override;
  void decode(Context& context, const Tensor& latents, const Tensor& image) const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion
