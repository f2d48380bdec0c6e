#pragma once

#include <span>

#include "device/device_tensor.h"
#include "model/networks/autoencoder.h"
#include "model/networks/network.h"
#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Encodes frames to latents and decodes latents to frames, up to a fixed number at a time.
class FrameCodec {
 public:
  /// `images` is [maximum number of frames, height, width, 3]. `autoencoder` must outlive the codec.
  FrameCodec(Device& device, const Autoencoder& autoencoder, const Shape& images);

  /// Returns the shape of the latents of that many frames.
  [[nodiscard]] Shape latents(std::int64_t frames) const;

  /// Encodes frames of the codec's size; `latents` has one row for each.

  void encode(Context context, std::span<const Frame> frames, const Tensor& latents);
  /// Decodes latents; sets pixels and size of `frames`, which has one frame for each row.
  void decode(Context context, const Tensor& latents, std::span<Frame> frames);

 private:
  const Autoencoder& autoencoder_;
  DeviceTensor images_;
};

}  // namespace streamdiffusion
