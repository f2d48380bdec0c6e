#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// PyTorch's CPU random generator (a Mersenne Twister). The same seed and sequence of calls give the same
/// numbers as in PyTorch. Streams draw their noise from it; Stream::generate takes noise of the caller's own.
/// An object must be called from one thread at a time.
class STREAMDIFFUSION_API RandomGenerator {
 public:
  /// Starts the sequence of `seed`, of which PyTorch uses the lower 32 bits.
  explicit RandomGenerator(std::uint64_t seed);

  /// Fills `out` with standard normal numbers, as one call of `torch.randn` with out.size() elements does.
  void randn(std::span<float> out);

 private:
  std::uint32_t random();
  float uniform();          // 24 bits in [0, 1)
  double uniform_double();  // 53 bits in [0, 1)
  double normal_double();
  void fill_uniform(std::span<float> out);

  static constexpr std::size_t kStateSize = 624;
  std::array<std::uint32_t, kStateSize> state_;
  std::size_t position_ = kStateSize;
  std::optional<double> next_normal_;  // second number of a pair, as Box-Muller makes two at a time
};

}  // namespace streamdiffusion
