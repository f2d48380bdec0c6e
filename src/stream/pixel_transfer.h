#pragma once

#include <cstdint>
#include <vector>

#include "device/device.h"
#include "streamdiffusion/image.h"

namespace streamdiffusion {

/// Copies images between host memory and a device. Dense 8-bit RGB is transferred where it lies; other forms
/// are converted in memory of this object, which is allocated once for a size.
class PixelTransfer {
 public:
  /// Writes value * scale + shift, with values of 0 to 1, to `out` [1, h, w, 3] of the image's size.
  void upload(Device& device, const ImageView& image, float scale, float shift, const Tensor& out);
  /// Writes `x` [1, h, w, 3] * scale + shift, clamped to 0 .. 1, to an image of the same size.
  void download(Device& device, const Tensor& x, float scale, float shift, const MutableImageView& image);

 private:
  std::vector<std::uint8_t> bytes_;
  std::vector<float> floats_;
};

}  // namespace streamdiffusion
