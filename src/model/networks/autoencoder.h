#pragma once

#include <cstdint>
#include <memory>

#include "model/autoencoder_files.h"
#include "model/networks/network.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// An autoencoder between pictures and latents, eight times smaller a side. Immutable. Pictures are in the
/// range that the network itself computes with: value * pixel_scale + pixel_shift of pixels in 0 .. 1.
class Autoencoder {
 public:
  virtual ~Autoencoder() = default;

  /// AutoencoderTiny or AutoencoderKL.
  static std::unique_ptr<Autoencoder> make(Device& device, const AutoencoderFiles& files,
                                           Precision precision = Precision::f32);

  /// What turns a pixel in 0 .. 1 into what `encode` takes.
  struct PixelRange {
    float scale = 1;
    float shift = 0;
  };
  [[nodiscard]] virtual PixelRange encode_range() const = 0;
  /// What turns what `decode` gives into a pixel in 0 .. 1.
  [[nodiscard]] static PixelRange decode_range() { return {0.5F, 0.5F}; }

  /// image [n, h, w, 3] in encode_range, h and w multiples of 8; latents [n, h / 8, w / 8, 4], times the
  /// scaling factor (AutoencoderKL: the mean).
  virtual void encode(Context& context, const Tensor& image, const Tensor& latents) const = 0;
  /// latents, scaled; image [n, h * 8, w * 8, 3], about -1 .. 1, not clamped.
  virtual void decode(Context& context, const Tensor& latents, const Tensor& image) const = 0;
};

}  // namespace streamdiffusion
