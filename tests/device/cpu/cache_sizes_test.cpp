#include "device/cpu/cache_sizes.h"

#include <gtest/gtest.h>

#include <vector>

#include "device/cpu/reduced/reduced_cases.h"
#include "device/reference.h"

namespace streamdiffusion {

namespace {

using reference::Bench;

constexpr cpu::CacheSizes kSmall{cpu::kMebibyte / 4, cpu::kMebibyte};
constexpr cpu::CacheSizes kLarge{4 * cpu::kMebibyte, 64 * cpu::kMebibyte};

TEST(CacheSizes, AreOfAUsualMachine) {
  const cpu::CacheSizes sizes = cpu::CacheSizes::detect();
  EXPECT_GE(sizes.second_level, cpu::kMebibyte / 16);
  EXPECT_LE(sizes.second_level, 64 * cpu::kMebibyte);
  EXPECT_GE(sizes.last_level, sizes.second_level);
}

struct LayerCase {
  std::int64_t channels;
  std::int64_t side;
  Precision precision;
};

Tensor convolve(Bench& bench, const LayerCase& c) {
  const std::vector<float> weight = reference::random_values(c.channels * c.channels * 9, 1);
  const Weights packed = bench.device().pack_conv2d(
      {weight, {}, c.channels, c.channels, 3, Resample::none, c.precision, c.side});
  const Tensor x = bench.random({2, c.side, c.side, c.channels}, 2);
  const Tensor out = bench.empty(x.shape);
  bench.device().conv2d(x, *packed, {.padding = 1}, out);
  return out;
}

TEST(CacheSizes, DoNotChangeResults) {
  // By Winograd's algorithm in pieces or strips; in reduced precision in passes of more or fewer blocks.
  const LayerCase cases[] = {
      {32, 100, Precision::f32},  {160, 64, Precision::f32}, {32, 100, Precision::int8},
      {32, 100, Precision::bf16}, {512, 12, Precision::f32}, {512, 12, Precision::int8},
      {512, 12, Precision::bf16},
  };
  for (const cpu::Features& features : reference::all_features()) {
    Bench small(2, features, kSmall);
    Bench large(2, features, kLarge);
    for (const LayerCase& c : cases) {
      EXPECT_EQ(difference(convolve(small, c), convolve(large, c)), 0) << c.channels << " " << c.side;
    }
  }
}

}  // namespace

}  // namespace streamdiffusion
