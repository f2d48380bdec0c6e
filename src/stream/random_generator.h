#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace streamdiffusion {

/// PyTorch's generator on the CPU: the same seed and the same sequence of calls draw the same numbers.
class RandomGenerator {
 public:
  explicit RandomGenerator(std::uint64_t seed);

  /// Standard normal numbers, as one call of `torch.randn` with that many elements draws them.
  void randn(std::span<float> out);

 private:
  std::uint32_t random();
  float uniform();          // 24 bits in [0, 1)
  double uniform_double();  // 53 bits in [0, 1)
  double normal_double();
  void fill_uniform(std::span<float> out);

  static constexpr std::size_t kStateSize = 624;
  std::array<std::uint32_t, kStateSize> state_;  // of the Mersenne twister
  std::size_t position_ = kStateSize;
  std::optional<double> next_normal_;  // normal numbers drawn one by one come in pairs
};

}  // namespace streamdiffusion
