#include "bench/hard_threshold.h"

#include <cmath>
#include <cstddef>

namespace streamdiffusion::bench {

namespace {

/// Returns the cosine similarity of the pixels, scaled to [-1, 1] as in the similarity filter. It computes
/// with 255 times these values, because sums of integers are exact and fast.
double cosine_similarity(const Frame& a, const Frame& b) {
  std::int64_t ab = 0;
  std::int64_t aa = 0;
  std::int64_t bb = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const int x = 2 * a.pixels[i] - 255;
    const int y = 2 * b.pixels[i] - 255;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  return static_cast<double>(ab) / std::sqrt(static_cast<double>(aa) * static_cast<double>(bb));
}

}  // namespace

bool HardThreshold::keep(const Frame& frame) {
  if (!last_.empty() && cosine_similarity(last_, frame) > threshold_) {
    return false;
  }
  last_ = frame;
  return true;
}

}  // namespace streamdiffusion::bench
