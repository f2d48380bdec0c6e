#pragma once

#include <span>

#include "device/device_tensor.h"
#include "model/networks/autoencoder.h"
#include "model/networks/network.h"
#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Pixels to latents and back, up to a fixed number of frames at a time.
class FrameCodec {
 public:
  /// `images`: [most frames, height, width, 3]. `autoencoder` must outlive the codec.
  FrameCodec(Device& device, const Autoencoder& autoencoder, const Shape& images);

  [[nodiscard]] Shape latents(std::int64_t frames) const;

  void encode(Context context, std::span<const Frame> frames, const Tensor& latents);
  /// Sets pixels and size of as many frames as `latents` has rows.
  void decode(Context context, const Tensor& latents, std::span<Frame> frames);

 private:
  const Autoencoder& autoencoder_;
  DeviceTensor images_;
};

}  // namespace streamdiffusion
