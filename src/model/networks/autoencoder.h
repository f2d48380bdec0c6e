#pragma once

#include <cstdint>
#include <memory>

#include "model/autoencoder_files.h"
#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// An autoencoder between images and latents; latents have 1/8 of the image's sides. Immutable after loading.
/// Images have the network's own range: value * scale + shift, for values in 0 .. 1 (PixelRange).
class Autoencoder {
 public:
  virtual ~Autoencoder() = default;

  /// Loads an AutoencoderTiny or an AutoencoderKL, as the files' configuration says. Throws Error if weights
  /// are missing or do not fit it.
  static std::unique_ptr<Autoencoder> make(Device& device, const AutoencoderFiles& files,
                                           Precision precision = Precision::f32);

  /// The linear map between values in 0 .. 1 and the range of a network: value * scale + shift.
  struct PixelRange {
    float scale = 1;
    float shift = 0;
  };
  /// Maps pixels in 0 .. 1 to the range that `encode` takes.
  [[nodiscard]] virtual PixelRange encode_range() const = 0;
  /// Maps the range of `decode`'s result to pixels in 0 .. 1.
  [[nodiscard]] static PixelRange decode_range() { return {0.5F, 0.5F}; }

  /// Returns the shape of the latents of `images` [n, h, w, 3]; h and w are multiples of 8.
  [[nodiscard]] static Shape latents_of(const Shape& images) {
    return {images.n, images.h / kPixelsPerLatent, images.w / kPixelsPerLatent, kLatentChannels};
  }

  /// Encodes `image` in encode_range. `latents`, of the shape `latents_of`, are multiplied by the scaling
  /// factor. AutoencoderKL gives the mean of the distribution.
  virtual void encode(Context& context, const Tensor& image, const Tensor& latents) const = 0;
  /// Decodes `latents` as `encode` gives them to `image`, about -1 .. 1 and not clamped.
  virtual void decode(Context& context, const Tensor& latents, const Tensor& image) const = 0;
};

}  // namespace streamdiffusion
