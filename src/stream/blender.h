#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// Throws Error unless the weights of prompts or seeds are numbers from 0 on with a sum above 0.
void check_weights(const std::vector<float>& weights, const char* what);

/// Brings `values` the part `share` (0 .. 1) of the way to `other`. On the sphere each row of `row` values is
/// a vector of its own; vectors (nearly) in line, and those of zeros, go straight.
void blend(Blend how, std::span<const float> other, float share, std::size_t row, std::span<float> values);

/// Blends any number of values by weight: each that is added gets its share of the weights so far, so that
/// linear blends are the weighted mean.
class Blender {
 public:
  Blender(Blend how, std::size_t row) : how_(how), row_(row) {}

  /// `weight` is at least 0; all have the same size.
  void add(std::span<const float> values, float weight);
  /// Of weights with a sum above 0.
  [[nodiscard]] std::vector<float> take() { return std::move(values_); }

 private:
  Blend how_;
  std::size_t row_;
  float sum_ = 0;
  std::vector<float> values_;
};

}  // namespace streamdiffusion
