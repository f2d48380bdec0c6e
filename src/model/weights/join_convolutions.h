#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace streamdiffusion {

/// The parameters of a 3x3 convolution: weight [out][in][3][3] and bias [out], which may be empty.
struct Conv3x3Parameters {
  std::span<const float> weight;
  std::span<const float> bias;
};

/// The parameters of a 5x5 convolution: weight [out][in][5][5] and bias [out].
struct Conv5x5Parameters {
  std::vector<float> weight;
  std::vector<float> bias;
};

/// The edge of the image that outputs lie at: the first or last line (or column), or none. At an edge the
/// second convolution sees zero padding instead of outputs of the first one.
enum class Edge : std::uint8_t { none, first, last };

/// Composes two 3x3 convolutions into one 5x5 convolution that computes the outputs at the given edges. `in`,
/// `between` and `out` are the numbers of channels before, between and after the two. The result must be
/// applied with the resampling of both.
Conv5x5Parameters join_convolutions(const Conv3x3Parameters& first, const Conv3x3Parameters& second,
                                    std::int64_t in, std::int64_t between, std::int64_t out, Edge vertical,
                                    Edge horizontal);

}  // namespace streamdiffusion
