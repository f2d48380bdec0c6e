#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// Throws Error unless all weights are at least 0 and their sum is finite and above 0. `what` names the
/// weighted things in the message ("prompts").
void check_weights(const std::vector<float>& weights, const char* what);

/// Moves `values` by the fraction `share` (0 to 1) towards `other`.
///
/// Blend::slerp interpolates each vector of `row` values separately. Vectors that are nearly parallel, or
/// zero, are interpolated linearly. Both spans have the same size, a multiple of `row`.
void blend(Blend how, std::span<const float> other, float share, std::size_t row, std::span<float> values);

/// Blends any number of vectors by weight. Each added vector is blended in with its share of the weights so
/// far, so the linear blend is the weighted mean.
class Blender {
 public:
  /// `how` and `row` are those of blend().
  Blender(Blend how, std::size_t row) : how_(how), row_(row) {}

  /// Begins another blend. Its vectors use the memory of the last one.
  void clear() { sum_ = 0; }
  /// Adds values with a weight of at least 0. All spans of a blend must have the same size.
  void add(std::span<const float> values, float weight);
  /// Returns the blend. The sum of the added weights must be above 0.
  [[nodiscard]] const std::vector<float>& values() const { return values_; }

 private:
  Blend how_;
  std::size_t row_;
  float sum_ = 0;
  std::vector<float> values_;
};

}  // namespace streamdiffusion
