#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/network.h"
#include "stream/random_generator.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// Values in PyTorch's order [n][c][h][w] to a device's tensor, channels last. `scratch` is used as memory.
void upload_nchw(Context& context, const std::vector<float>& values, std::vector<float>& scratch,
                 const Tensor& out);

/// A stream's noise: the fixed noise of each denoising step, and fresh noise after it, from one generator for
/// each seed. The noise of several seeds is blended on the sphere, row by row.
class StepNoise {
 public:
  /// `latents`: shape of one row. Throws Error where the weights of several seeds have no sum above 0.
  StepNoise(Context context, const std::vector<WeightedSeed>& seeds, std::int64_t steps,
            const Shape& latents);

  /// The fixed noise, one row a step.
  [[nodiscard]] const Tensor& fixed() const { return fixed_.view(); }
  /// The same on the host, in PyTorch's order.
  [[nodiscard]] const std::vector<float>& fixed_values() const { return fixed_values_; }

  /// Fresh noise for pictures without an input: each row of `latents`, which a picture begins from, and after
  /// it what the picture is noised with between its steps. `noise` has one row for each step and picture,
  /// ordered by step; the first step's noise is what the picture begins from. Draws the same again until
  /// `commit`.
  void draw(Context context, const Tensor& latents, const Tensor& noise);
  /// What the last `draw` has given is used: the next one gives what follows.
  void commit() noexcept { sources_.swap(drawn_from_); }

 private:
  struct Source {
    RandomGenerator generator;
    float weight = 1;
  };
  void draw_rows(Context& context, std::span<Source> sources, const Tensor& out);

  std::vector<Source> sources_;
  std::vector<Source> drawn_from_;  // the same after the last draw
  std::vector<float> drawn_;
  std::vector<float> drawn_by_one_;  // of several
  std::vector<float> reordered_;
  DeviceTensor fixed_;
  std::vector<float> fixed_values_;
};

}  // namespace streamdiffusion
