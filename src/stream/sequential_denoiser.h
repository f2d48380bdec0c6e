#pragma once

#include <memory>

#include "device/device_tensor.h"
#include "stream/denoising_rows.h"

namespace streamdiffusion {

/// The denoising steps of one or more frames one after the other: what the denoising batch computes, without
/// its delay.
class SequentialDenoiser {
 public:
  /// `latents`: shape of the frames that go in together. `noise`: one row a step.
  SequentialDenoiser(Device& device, std::shared_ptr<const Denoising> denoising, const Tensor& noise,
                     const Shape& latents);

  /// Takes effect at the next run.
  void set(std::shared_ptr<const Denoising> denoising, const Tensor& noise);

  /// x_0 of the input's frames, valid until the next call.
  Tensor run(Context context, const DenoisingInput& input);

 private:
  Device& device_;
  std::shared_ptr<const Denoising> denoising_;
  DenoisingRows rows_;  // of one step after the other
  DeviceTensor noise_;
  DeviceTensor x0_;
  DeviceTensor residual_x0_;
};

}  // namespace streamdiffusion
