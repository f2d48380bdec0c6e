#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace streamdiffusion::recording {

/// Returns the cosine similarity of x and y from parts of the sums of x y, x x and y y: three values for each
/// part, which a device has summed in float32.
inline float cosine_of_parts(std::span<const float> parts) {
  constexpr double kEpsilon = 1e-6;  // eps of torch.nn.CosineSimilarity in the original StreamDiffusion
  std::array<double, 3> products{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    products[i % 3] += static_cast<double>(parts[i]);
  }
  const double norms =
      std::max(std::sqrt(products[1]), kEpsilon) * std::max(std::sqrt(products[2]), kEpsilon);
  return static_cast<float>(products[0] / norms);
}

}  // namespace streamdiffusion::recording
