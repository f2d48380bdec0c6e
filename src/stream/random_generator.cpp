#include "streamdiffusion/random_generator.h"

#include <cmath>
#include <cstddef>
#include <numbers>

namespace streamdiffusion {

namespace {

// Block size in which PyTorch converts uniform numbers to normal ones. It draws fewer numbers one by one.
constexpr std::size_t kBlock = 16;

/// Applies the Box-Muller transform. As in PyTorch, element i of the first half is paired with element i of
/// the second half.
void uniform_to_normal(std::span<float> block) {
  constexpr std::size_t half = kBlock / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const float radius = std::sqrt(-2.0F * std::log(1.0F - block[i]));
    const float angle = 2.0F * std::numbers::pi_v<float> * block[i + half];
    block[i] = radius * std::cos(angle);
    block[i + half] = radius * std::sin(angle);
  }
}

}  // namespace

RandomGenerator::RandomGenerator(std::uint64_t seed) {
  state_[0] = static_cast<std::uint32_t>(seed);  // PyTorch uses only the lower 32 bits
  for (std::size_t i = 1; i < kStateSize; ++i) {
    const std::uint32_t last = state_[i - 1];
    state_[i] = 1812433253U * (last ^ (last >> 30U)) + static_cast<std::uint32_t>(i);
  }
}

std::uint32_t RandomGenerator::random() {
  if (position_ == kStateSize) {
    for (std::size_t i = 0; i < kStateSize; ++i) {
      const std::uint32_t mixed = (state_[i] & 0x80000000U) | (state_[(i + 1) % kStateSize] & 0x7fffffffU);
      const std::uint32_t odd = (mixed & 1U) != 0 ? 0x9908b0dfU : 0U;
      state_[i] = state_[(i + 397) % kStateSize] ^ (mixed >> 1U) ^ odd;
    }
    position_ = 0;
  }
  std::uint32_t value = state_[position_++];
  value ^= value >> 11U;
  value ^= (value << 7U) & 0x9d2c5680U;
  value ^= (value << 15U) & 0xefc60000U;
  return value ^ (value >> 18U);
}

float RandomGenerator::uniform() { return static_cast<float>(random() & 0xffffffU) * 0x1p-24F; }

double RandomGenerator::uniform_double() {
  const std::uint64_t high = random();
  const std::uint64_t bits = (high << 32U) | random();
  return static_cast<double>(bits & ((std::uint64_t{1} << 53U) - 1)) * 0x1p-53;
}

double RandomGenerator::normal_double() {
  if (next_normal_) {
    const double value = *next_normal_;
    next_normal_.reset();
    return value;
  }
  const double angle = 2.0 * std::numbers::pi * uniform_double();
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform_double()));
  next_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void RandomGenerator::fill_uniform(std::span<float> out) {
  for (float& value : out) {
    value = uniform();
  }
}

void RandomGenerator::randn(std::span<float> out) {
  if (out.size() < kBlock) {
    for (float& value : out) {
      value = static_cast<float>(normal_double());
    }
    return;
  }
  fill_uniform(out);
  for (std::size_t i = 0; i + kBlock <= out.size(); i += kBlock) {
    uniform_to_normal(out.subspan(i, kBlock));
  }
  if (out.size() % kBlock != 0) {  // as PyTorch, redraws the last kBlock numbers as one block
    const std::span<float> tail = out.last(kBlock);
    fill_uniform(tail);
    uniform_to_normal(tail);
  }
}

}  // namespace streamdiffusion
