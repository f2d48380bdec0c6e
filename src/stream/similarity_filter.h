#pragma once

#include <cstdint>
#include <random>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// Stochastic Similarity Filter: which frames are processed, and which show the last result again.
///
/// It sees similarities, not frames. The caller compares each frame with the last one that passed and, where
/// there is none or `must_pass` says so, calls `pass` instead of `decide`.
class SimilarityFilter {
 public:
  /// Whether a frame passes that has `similarity` (-1 .. 1) to the last that passed; `draw` is uniform in [0,
  /// 1). After more than max_skip_frame skips one frame is forced to pass, and only that starts the count of
  /// skips anew.
  bool decide(const SimilarityFilterParameters& parameters, double similarity, double draw);

  /// The next `frames` frames must pass.
  void force(int frames);
  [[nodiscard]] bool must_pass() const { return forced_ > 0; }
  /// A frame passed without a decision.
  void pass();

 private:
  int skip_count_ = 0;
  int forced_ = 0;
};

/// Uniform numbers in [0, 1) from a seed, the same on every system.
class UniformGenerator {
 public:
  explicit UniformGenerator(std::uint64_t seed) : engine_(seed) {}
  double operator()() { return static_cast<double>(engine_() >> 11U) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace streamdiffusion
