#pragma once

#include "streamdiffusion/frame.h"

namespace streamdiffusion::bench {

/// The baseline for the similarity filter. It skips every frame whose cosine similarity to the last processed
/// one is above the threshold, without a limit on successive skips.
class HardThreshold {
 public:
  explicit HardThreshold(double threshold) : threshold_(threshold) {}

  /// Returns true if the frame is to be processed. All frames must have the same size.
  bool keep(const Frame& frame);

 private:
  double threshold_;
  Frame last_;
};

}  // namespace streamdiffusion::bench
