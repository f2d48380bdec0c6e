#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "device/device_tensor.h"
#include "stream/similarity_filter.h"
#include "streamdiffusion/frame.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The similarity filter on frames: compares those of a step with the last that were processed. A step that
/// fails changes nothing.
class FrameFilter {
 public:
  /// `images`: [frames of a step, height, width, 3].
  FrameFilter(Device& device, const Shape& images, std::uint64_t seed);

  /// True if these frames are to be processed. `can_skip`: false where there is no result to show again.
  /// `delay`: steps until what goes in comes out. `forced`: this step and the next ones, as many as this in
  /// all, are processed. The decision counts from `commit` on.
  bool keep(const SimilarityFilterParameters& parameters, std::span<const Frame> frames, bool can_skip,
            int delay, int forced);
  /// The frames of the last `keep` have been processed or skipped as it said.
  void commit() noexcept;

  /// The next `steps` steps are processed.
  void force(int steps) noexcept { filter_.force(steps); }
  /// Nothing counts as processed any more.
  void forget() noexcept { compared_ = false; }

 private:
  /// What `commit` makes of the filter.
  struct Decision {
    SimilarityFilter filter;
    bool compared = false;
    bool are_last_processed = false;  // the frames that were uploaded
    bool has_used_draw = false;
  };

  void upload(std::span<const Frame> frames);
  double draw();

  Device& device_;
  Shape images_;
  SimilarityFilter filter_;
  UniformGenerator uniform_;
  std::optional<double> drawn_;  // and not used yet
  DeviceTensor current_;         // in [-1, 1]; allocated when the filter is used
  DeviceTensor processed_;       // likewise, the last processed
  bool compared_ = false;        // processed_ holds frames
  Decision decision_;
};

}  // namespace streamdiffusion
