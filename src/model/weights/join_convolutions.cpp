#include "model/weights/join_convolutions.h"

#include <cstddef>

namespace streamdiffusion {

namespace {

constexpr std::int64_t kKernel = 3;
constexpr std::int64_t kTaps = kKernel * kKernel;
constexpr std::int64_t kJoinedKernel = 2 * kKernel - 1;
constexpr std::int64_t kJoinedTaps = kJoinedKernel * kJoinedKernel;

float value_at(std::span<const float> values, std::int64_t index) {
  return values[static_cast<std::size_t>(index)];
}

/// True if the second convolution sees padding with this row or column of its kernel.
bool sees_zeros(Edge edge, std::int64_t row) {
  return (edge == Edge::first && row == 0) || (edge == Edge::last && row == kKernel - 1);
}

}  // namespace

Conv5x5Parameters join_convolutions(const Conv3x3Parameters& first, const Conv3x3Parameters& second,
                                    std::int64_t in, std::int64_t between, std::int64_t out, Edge vertical,
                                    Edge horizontal) {
  Conv5x5Parameters joined;
  for (std::int64_t o = 0; o < out; ++o) {
    double bias = second.bias.empty() ? 0 : value_at(second.bias, o);
    std::vector<double> weight(static_cast<std::size_t>(in * kJoinedTaps));
    for (std::int64_t b = 0; b < between; ++b) {
      for (std::int64_t tap = 0; tap < kTaps; ++tap) {
        if (sees_zeros(vertical, tap / kKernel) || sees_zeros(horizontal, tap % kKernel)) {
          continue;
        }
        const double factor = value_at(second.weight, (o * between + b) * kTaps + tap);
        bias += first.bias.empty() ? 0 : factor * value_at(first.bias, b);
        for (std::int64_t i = 0; i < in; ++i) {
          for (std::int64_t seen = 0; seen < kTaps; ++seen) {
            const std::int64_t y = tap / kKernel + seen / kKernel;
            const std::int64_t x = tap % kKernel + seen % kKernel;
            weight[static_cast<std::size_t>(i * kJoinedTaps + y * kJoinedKernel + x)] +=
                factor * value_at(first.weight, (b * in + i) * kTaps + seen);
          }
        }
      }
    }
    for (const double one : weight) {
      joined.weight.push_back(static_cast<float>(one));
    }
    joined.bias.push_back(static_cast<float>(bias));
  }
  return joined;
}

}  // namespace streamdiffusion
