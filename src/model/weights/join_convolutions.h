#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace streamdiffusion {

/// A 3x3 convolution's numbers: [out][in][3][3] and [out], or none.
struct ConvolutionNumbers {
  std::span<const float> weight;
  std::span<const float> bias;
};

/// A 5x5 convolution: [out][in][5][5] and [out].
struct JoinedNumbers {
  std::vector<float> weight;
  std::vector<float> bias;
};

/// Outputs at an edge of the picture, or all others. Those at the first line or column see zeros there in
/// place of what the first convolution would give before it, those at the last one likewise after it.
enum class Edge : std::uint8_t { none, first, last };

/// What `second` of what `first` gives amounts to, where both are 3x3: one convolution of 5x5, with the
/// resolution that the two change. `between`: channels that the first one gives. For the outputs at those
/// edges of the picture.
JoinedNumbers join_convolutions(const ConvolutionNumbers& first, const ConvolutionNumbers& second,
                                std::int64_t in, std::int64_t between, std::int64_t out, Edge vertical,
                                Edge horizontal);

}  // namespace streamdiffusion
