#pragma once

#include <cstdint>
#include <random>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The Stochastic Similarity Filter (SimilarityFilterParameters): decides which frames pass, which means that
/// they are processed.
///
/// The filter sees similarities, not frames. The caller compares each frame with the last one that passed. If
/// there is none, or `must_pass` is true, it calls `record_pass` instead of `decide`.
class SimilarityFilter {
 public:
  /// Returns true if a frame passes. `similarity` (-1 to 1) is to the last frame that passed; `draw` is a
  /// random number, uniform in [0, 1). After more than max_skip_frame skips one frame passes in any case.
  /// Only that resets the count of skips.
  bool decide(const SimilarityFilterParameters& parameters, double similarity, double draw);

  /// Makes the next `frames` frames pass.
  void force(int frames);
  /// True if `force` requires the next frame to pass.
  [[nodiscard]] bool must_pass() const { return forced_ > 0; }
  /// Records that a frame passed without a decision.
  void record_pass();

 private:
  int skip_count_ = 0;
  int forced_ = 0;
};

/// Generates uniform random numbers in [0, 1), which are the same on every system for the same seed.
class UniformGenerator {
 public:
  explicit UniformGenerator(std::uint64_t seed) : engine_(seed) {}
  double operator()() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace streamdiffusion
