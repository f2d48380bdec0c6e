#pragma once

#include <functional>
#include <memory>

#include "device/device_tensor.h"
#include "stream/denoising_rows.h"

namespace streamdiffusion {

/// Runs the denoising steps of one or more frames one after another. It computes the same as the denoising
/// batch, without delay.
class SequentialDenoiser {
 public:
  /// `latents` is the shape of the frames that go in together. `noise` is the fixed noise, one row for each
  /// step.
  SequentialDenoiser(Device& device, std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise,
                     const Shape& latents);

  /// Changes the denoising and the fixed noise from the next run on.
  void set_denoising(std::shared_ptr<const DenoisingPlan> denoising, const Tensor& noise);

  /// Denoises the input. Returns the x_0 of its frames, valid until the next call. `before_step` is called
  /// before each UNet call with the call's index; it may throw.
  Tensor run(
      Context context, const DenoisingInput& input, const std::function<void(int)>& before_step = [](int) {});

 private:
  Device& device_;
  std::shared_ptr<const DenoisingPlan> denoising_;
  DenoisingRows rows_;       // rows of a single step, set to each step in turn
  DeviceTensor noise_;       // fixed noise of each step
  DeviceTensor step_noise_;  // noise of the current step
};

}  // namespace streamdiffusion
