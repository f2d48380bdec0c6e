#include "stream/similarity_filter.h"

#include <algorithm>

namespace streamdiffusion {

bool SimilarityFilter::decide(const SimilarityFilterParameters& parameters, double similarity, double draw) {
  const double threshold = parameters.threshold;
  const double skip_probability =
      threshold < 1 ? std::max(0.0, (similarity - threshold) / (1 - threshold)) : 0.0;
  if (draw > skip_probability || skip_probability == 0.0) {
    return true;
  }
  if (skip_count_ > parameters.max_skip_frame) {
    skip_count_ = 0;
    return true;
  }
  ++skip_count_;
  return false;
}

void SimilarityFilter::force(int frames) { forced_ = std::max(forced_, frames); }

void SimilarityFilter::record_pass() { forced_ = std::max(0, forced_ - 1); }

}  // namespace streamdiffusion
