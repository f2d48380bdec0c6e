#pragma once

#include <cstdint>
#include <span>

#include "device/device_tensor.h"
#include "stream/similarity_filter.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The similarity filter on frames: compares those of a step with the last that were processed.
class FrameFilter {
 public:
  /// `images`: [frames of a step, height, width, 3].
  FrameFilter(Device& device, const Shape& images, std::uint64_t seed);

  /// Whether these frames are to be processed. `can_skip`: false where there is no result to show again.
  /// `delay`: steps until what goes in comes out.
  bool keep(const SimilarityFilterParameters& parameters, std::span<const Frame> frames, bool can_skip,
            int delay);

  /// The next `steps` steps are processed.
  void force(int steps) { filter_.force(steps); }
  /// Nothing counts as processed any more.
  void forget() { compared_ = false; }

 private:
  void upload(std::span<const Frame> frames);

  Device& device_;
  Shape images_;
  SimilarityFilter filter_;
  UniformGenerator uniform_;
  DeviceTensor current_;    // in [-1, 1]; allocated when the filter is used
  DeviceTensor processed_;  // likewise, the last processed
  bool compared_ = false;   // processed_ holds frames
};

}  // namespace streamdiffusion
