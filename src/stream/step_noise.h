#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/device_tensor.h"
#include "model/networks/network.h"
#include "stream/blender.h"
#include "streamdiffusion/parameters.h"
#include "streamdiffusion/random_generator.h"

namespace streamdiffusion {

/// The noise of a stream. Each seed has a generator, which first draws the fixed noise of each denoising step
/// and then fresh noise on demand. The noise of several seeds is blended by spherical interpolation, row by
/// row.
class StepNoise {
 public:
  /// `latents` is the shape of one row. Throws Error as check_weights does.
  StepNoise(Context context, const std::vector<WeightedSeed>& seeds, std::int64_t steps,
            const Shape& latents);

  /// The fixed noise, one row for each step.
  [[nodiscard]] const Tensor& fixed() const { return fixed_.view(); }
  /// The fixed noise on the host, in PyTorch's order.
  [[nodiscard]] const std::vector<float>& fixed_values() const { return fixed_values_; }

  /// Draws fresh noise for text to image. For each image it draws a row of `latents`, which the image starts
  /// from, then the noise between its steps. `noise` has one row for each step and image, ordered by step;
  /// the rows of the first step equal `latents`. Repeated calls draw the same noise until `commit`.
  void draw(Context context, const Tensor& latents, const Tensor& noise);
  /// Advances the generators past the noise of the last `draw`.
  void commit() noexcept { sources_.swap(drawn_from_); }

 private:
  struct Source {
    RandomGenerator generator;
    float weight = 1;
  };
  void draw_rows(Context& context, std::span<Source> sources, const Tensor& out);

  std::vector<Source> sources_;
  std::vector<Source> drawn_from_;  // sources_ after the last draw
  std::vector<float> drawn_;        // noise of one source
  Blender blender_;                 // noise of all sources
  std::vector<float> reordered_;
  DeviceTensor fixed_;
  std::vector<float> fixed_values_;
};

}  // namespace streamdiffusion
