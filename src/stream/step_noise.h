#pragma once

#include <cstdint>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/network.h"
#include "stream/random_generator.h"

namespace streamdiffusion {

/// Values in PyTorch's order [n][c][h][w] to a device's tensor, channels last. `scratch` is used as memory.
void upload_nchw(Context& context, const std::vector<float>& values, std::vector<float>& scratch,
                 const Tensor& out);

/// A stream's noise: the fixed noise of each denoising step, and fresh noise after it, from one generator.
class StepNoise {
 public:
  /// `latents`: shape of one row.
  StepNoise(Context context, std::uint64_t seed, std::int64_t steps, const Shape& latents);

  /// The fixed noise, one row a step.
  [[nodiscard]] const Tensor& fixed() const { return fixed_.view(); }

  /// Fresh noise for pictures without an input: each row of `latents`, which a picture begins from, and after
  /// it what the picture is noised with between its steps. `noise` has one row for each step and picture,
  /// ordered by step; the first step's noise is what the picture begins from.
  void draw(Context context, const Tensor& latents, const Tensor& noise);

 private:
  void draw_rows(Context& context, const Tensor& out);

  RandomGenerator generator_;
  std::vector<float> drawn_;
  std::vector<float> reordered_;
  DeviceTensor fixed_;
};

}  // namespace streamdiffusion
