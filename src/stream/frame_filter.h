#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "device/device_tensor.h"
#include "stream/pixel_transfer.h"
#include "stream/similarity_filter.h"
#include "streamdiffusion/parameters.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion {

/// Applies the similarity filter to frames: it compares a step's frames with the last processed ones.
/// Decisions take effect only by `commit`, so a step that fails changes nothing.
class FrameFilter {
 public:
  /// `images` is [frames of a step, height, width, 3]. `seed` seeds the filter's random decisions.
  FrameFilter(Device& device, const Shape& images, std::uint64_t seed);

  /// Returns true if these frames must be processed. `can_skip` is false if there is no result to show again.
  /// `delay` is the number of steps from a frame's input to its output. `forced` makes that many steps,
  /// including this one, be processed. Frames given as latents are always processed. The decision takes
  /// effect by `commit`.
  bool should_process(const SimilarityFilterParameters& parameters, std::span<const InputFrame> frames,
                      bool can_skip, int delay, int forced);
  /// Applies the decision of the last `should_process`.
  void commit() noexcept;

  /// Makes the next `steps` steps be processed.
  void force(int steps) noexcept { filter_.force(steps); }
  /// Forgets the last processed frames, so that the next step is processed.
  void forget() noexcept { compared_ = false; }

 private:
  /// The state that `commit` gives the filter.
  struct Decision {
    SimilarityFilter filter;
    bool compared = false;
    bool are_last_processed = false;  // the uploaded frames become the last processed ones
    bool has_used_draw = false;
  };

  void upload(std::span<const InputFrame> frames);
  double draw();

  Device& device_;
  Shape images_;
  PixelTransfer pixels_;
  SimilarityFilter filter_;
  UniformGenerator uniform_;
  std::optional<double> drawn_;  // a random number that no committed decision has used yet
  DeviceTensor current_;         // frames of this step in [-1, 1]; allocated on first use
  DeviceTensor processed_;       // last processed frames in [-1, 1]; allocated on first use
  bool compared_ = false;        // processed_ holds frames
  Decision decision_;
};

}  // namespace streamdiffusion
