#pragma once

#include <span>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/autoencoder.h"
#include "model/networks/network.h"
#include "stream/pixel_transfer.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// Turns frames in host memory into latents and latents into frames, up to a fixed number at a time.
class FrameCodec {
 public:
  /// `images` is [maximum number of frames, height, width, 3]. `autoencoder` must outlive the codec.
  FrameCodec(Device& device, const Autoencoder& autoencoder, const Shape& images);

  /// Returns the shape of the latents of that many frames.
  [[nodiscard]] Shape latents(std::int64_t frames) const;

  /// Encodes frames of the codec's size, or copies their latents; `latents` has one row for each.
  void encode(Context context, std::span<const InputFrame> frames, const Tensor& latents);
  /// Decodes latents. Returns images in Autoencoder::decode_range, valid until the next call.
  Tensor decode(Context context, const Tensor& latents);
  /// Writes one decoded image and its latents to the memory of `frame` that is not empty. `image` may be
  /// empty if the frame takes none.
  void write(Context context, const Tensor& image, const Tensor& latents, const OutputFrame& frame);

 private:
  const Autoencoder& autoencoder_;
  DeviceTensor images_;
  PixelTransfer pixels_;
  std::vector<float> nhwc_;  // latents on their way between layouts
};

}  // namespace streamdiffusion
