#pragma once

#include <memory>
#include <vector>

#include "device/device_tensor.h"
#include "stream/denoising_rows.h"

namespace streamdiffusion {

/// The denoising steps of one or more frames one after the other: what the denoising batch computes, without
/// its delay.
class SequentialDenoiser {
 public:
  /// `latents`: shape of the frames that go in together. `noise`: one row a step.
  SequentialDenoiser(Device& device, const std::shared_ptr<const Denoising>& denoising, const Tensor& noise,
                     const Shape& latents);

  /// x_0 of the input's frames, valid until the next call.
  Tensor run(Context context, const DenoisingInput& input);

 private:
  std::vector<std::unique_ptr<DenoisingRows>> steps_;
  DeviceTensor noise_;
  DeviceTensor x0_;
  DeviceTensor residual_x0_;
};

}  // namespace streamdiffusion
