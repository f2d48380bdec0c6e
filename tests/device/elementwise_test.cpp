#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

TEST(Map, AppliesEveryActivation) {
  for (const Activation activation : {Activation::none, Activation::silu, Activation::relu, Activation::gelu,
                                      Activation::quick_gelu, Activation::tanh}) {
    Bench bench;
    const Tensor x = bench.random({1, 9, 11, 5}, 1);
    const Tensor out = bench.empty(x.shape, 2);
    bench.device().map(x, 3, activation, 2, -1, out);
    EXPECT_LT(reference::largest_error(out,
                                       [&](auto n, auto y, auto px, auto c) {
                                         return reference::activate(activation, 3 * at(x, n, y, px, c)) * 2 -
                                                1;
                                       }),
              bench.limit(1e-6));
  }
}

TEST(Map, KeepsNaNInEveryActivation) {
  Bench bench;
  const Tensor x = bench.empty({1, 1, 3, 37});
  for (const Activation activation : {Activation::none, Activation::silu, Activation::relu, Activation::gelu,
                                      Activation::quick_gelu, Activation::tanh}) {
    bench.device().upload(std::vector<float>(3 * 37, std::numeric_limits<float>::quiet_NaN()), x);
    bench.device().map(x, 1, activation, 1, 0, x);
    for (int i = 0; i < 3 * 37; ++i) {
      EXPECT_TRUE(std::isnan(x.as<float>()[i])) << static_cast<int>(activation) << " " << i;
    }
  }
}

TEST(Map, StaysFiniteAtExtremes) {
  Bench bench;
  const Tensor x = bench.random({1, 1, 1, 4}, 1);
  const std::vector<float> values = {-bench.huge(), -100, 100, bench.huge()};
  for (const Activation activation :
       {Activation::silu, Activation::gelu, Activation::quick_gelu, Activation::tanh}) {
    bench.device().upload(values, x);
    bench.device().map(x, 1, activation, 1, 0, x);
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(std::isfinite(x.as<float>()[i])) << i;
    }
    EXPECT_NEAR(x.as<float>()[1], activation == Activation::tanh ? -1 : 0, 1e-6);
  }
}

TEST(Copy, MovesSlicesOfChannels) {
  Bench bench;
  const Tensor x = bench.random({2, 3, 4, 6}, 1, 2);
  const Tensor wide = bench.empty({2, 3, 4, 10});
  bench.device().copy(x, wide.channels(3, 6));
  EXPECT_EQ(at(wide, 1, 2, 3, 3), at(x, 1, 2, 3, 0));
  EXPECT_EQ(at(wide, 1, 2, 3, 8), at(x, 1, 2, 3, 5));
  EXPECT_EQ(at(wide, 1, 2, 3, 9), Bench::kUntouched);
  EXPECT_EQ(at(wide, 0, 0, 0, 2), Bench::kUntouched);
}

TEST(Add, TakesSlicesOfChannels) {
  Bench bench;
  const Tensor x = bench.random({2, 5, 7, 37}, 1, 3);
  const Tensor y = bench.random(x.shape, 2, 1);
  const Tensor out = bench.empty(x.shape, 2);
  const auto sum = [&](auto n, auto r, auto px, auto c) { return at(x, n, r, px, c) + at(y, n, r, px, c); };
  bench.device().add(x, y, out);
  EXPECT_LT(reference::largest_error(out, sum), bench.limit(1e-6));
  bench.device().add(out, y, out);
  EXPECT_LT(reference::largest_error(
                out, [&](auto n, auto r, auto px, auto c) { return sum(n, r, px, c) + at(y, n, r, px, c); }),
            bench.limit(1e-6))
      << "onto itself";
}

TEST(Combine, HasFactorsForEachRow) {
  Bench bench;
  const Tensor x = bench.random({2, 3, 3, 4}, 1);
  const Tensor y = bench.random({2, 3, 3, 4}, 2);
  const Tensor out = bench.empty(x.shape);
  const std::vector<float> a = {0.5F, 2};
  const std::vector<float> b = {-1, 3};
  bench.device().combine(x, a, y, b, out);
  EXPECT_LT(reference::largest_error(out,
                                     [&](auto n, auto r, auto px, auto c) {
                                       const auto row = static_cast<std::size_t>(n);
                                       return a[row] * at(x, n, r, px, c) + b[row] * at(y, n, r, px, c);
                                     }),
            bench.limit(1e-6));
}

TEST(CosineSimilarity, IsOneForTheSameAndMinusOneForTheOpposite) {
  Bench bench;
  const Tensor x = bench.random({1, 20, 20, 3}, 1);
  const Tensor y = bench.empty(x.shape);
  bench.device().map(x, -2, Activation::none, 1, 0, y);
  EXPECT_NEAR(bench.device().cosine_similarity(x, x), 1, bench.limit(1e-6));
  EXPECT_NEAR(bench.device().cosine_similarity(x, y), -1, bench.limit(1e-6));
}

TEST(Pixels, SurviveTheWayUpAndDown) {
  Bench bench;
  std::vector<std::uint8_t> pixels(256 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i % 256);
  }
  const Tensor x = bench.empty({1, 16, 16, 3});
  bench.device().upload_pixels(pixels.data(), 2, -1, x);
  EXPECT_FLOAT_EQ(x.as<float>()[0], -1);
  EXPECT_FLOAT_EQ(x.as<float>()[255], 1);
  std::vector<std::uint8_t> back(pixels.size());
  bench.device().download_pixels(x, 0.5F, 0.5F, back.data());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    ASSERT_NEAR(back[i], pixels[i], bench.limit(0) > 1e-2 ? 1 : 0) << i;  // bfloat16 lacks some of 256 steps.
  }
}

TEST(Pixels, AreClamped) {
  Bench bench;
  const Tensor x = bench.empty({1, 1, 1, 3});
  const std::vector<float> values = {-3, 7, 0.5F};
  bench.device().upload(values, x);
  std::vector<std::uint8_t> pixels(3);
  bench.device().download_pixels(x, 1, 0, pixels.data());
  EXPECT_EQ(pixels, (std::vector<std::uint8_t>{0, 255, 128}));
}

}  // namespace
}  // namespace streamdiffusion
