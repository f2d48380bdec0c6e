#pragma once

#include "streamdiffusion/frame.h"

namespace streamdiffusion::bench {

/// What the similarity filter is compared with: skips each frame whose cosine similarity to the last that
/// passed is above the threshold, however long that goes on.
class HardThreshold {
 public:
  explicit HardThreshold(double threshold) : threshold_(threshold) {}

  /// Whether the frame passes. All frames have one size.
  bool keep(const Frame& frame);

 private:
  double threshold_;
  Frame last_;
};

}  // namespace streamdiffusion::bench
