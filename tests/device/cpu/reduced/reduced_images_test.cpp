// Tests of layers in reduced precision whose algorithm depends on the image's size, and of chains of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "device/cpu/reduced/reduced_cases.h"
#include "device/cpu/target.h"
#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

/// Returns the output of the layer in reduced precision, packed for images with sides of `side` pixels.
Tensor reduced(Bench& bench, const Tensor& x, HostConv2d layer, const Conv2dOptions& options,
               std::int64_t side, Precision precision = Precision::int8) {
  layer.precision = precision;
  layer.typical_size = side;
  const std::int64_t times = layer.resample == Resample::up ? 2 : 1;
  const Tensor out = bench.empty({x.shape.n, times * x.shape.h, times * x.shape.w, layer.out_channels}, 3);
  bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, out);
  return out;
}

class LargeImages : public testing::TestWithParam<ConvCase> {};

TEST_P(LargeImages, AreAsExactByWinogradsAlgorithm) {
  const ConvCase& c = GetParam();
  const std::vector<float> weight = reference::random_values(c.out * c.in * 9, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  const HostConv2d layer{weight, bias, c.out, c.in, 3};
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor x = bench.random({c.rows, c.h, c.w, c.in}, 3, c.extra);
    const Tensor exact = bench.empty({c.rows, c.h, c.w, c.out});
    const Conv2dOptions options = options_of(bench, c, exact.shape);
    bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, exact);
    const double of_int8 = difference(reduced(bench, x, layer, options, 0), exact);
    const double of_large = difference(reduced(bench, x, layer, options, 64), exact);
    // Winograd in bf16, where the processor has it, is as exact as int8; in int16 it is more exact.
    EXPECT_LT(of_large, cpu::multiplies_integers() && !features.bf16 ? of_int8 / 3 : 1.5 * of_int8);
    EXPECT_GT(of_large, 1e-4) << "it was not rounded at all";
    EXPECT_EQ(of_large != of_int8, cpu::multiplies_integers() && !features.amx);
    // bf16 layers use Winograd in float32.
    const double of_small_in_bf16 = difference(reduced(bench, x, layer, options, 0, Precision::bf16), exact);
    const double of_large_in_bf16 = difference(reduced(bench, x, layer, options, 64, Precision::bf16), exact);
    EXPECT_LE(of_large_in_bf16, features.bf16 && !features.amx ? 2e-5 : of_small_in_bf16);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LargeImages,
    testing::Values(ConvCase{1, 64, 64, 32, 32, 3, 1}, ConvCase{2, 32, 40, 16, 19, 3, 1},
                    ConvCase{2, 70, 130, 33, 35, 3, 1, Resample::none, true},
                    ConvCase{1, 67, 64, 150, 130, 3, 1, Resample::none, false, true, Activation::relu, 3},
                    ConvCase{1, 320, 68, 31, 47, 3, 1, Resample::none, true, true, Activation::silu}));

class UpsampledImages : public testing::TestWithParam<ConvCase> {};

TEST_P(UpsampledImages, AreAsExactInInt16AsInBfloat16) {
  const ConvCase& c = GetParam();
  const std::vector<float> weight = reference::random_values(c.out * c.in * 9, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  const HostConv2d layer{weight, bias, c.out, c.in, 3, Resample::up};
  constexpr double kMostOfBfloat16 = 0.0035;
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor x = bench.random({c.rows, c.h, c.w, c.in}, 3, c.extra);
    const Conv2dOptions options = options_of(bench, c, {c.rows, 2 * c.h, 2 * c.w, c.out});
    const Tensor exact = reduced(bench, x, layer, options, 64, Precision::f32);
    const double in_bf16 = difference(reduced(bench, x, layer, options, 64, Precision::bf16), exact);
    const double in_int16 = difference(reduced(bench, x, layer, options, 64, Precision::int16), exact);
    EXPECT_LT(in_bf16, kMostOfBfloat16);
    EXPECT_LT(in_int16, kMostOfBfloat16);
    // int16 is used only where it is faster.
    const bool uses_int16 = c.in * c.out <= 64 * 64 && cpu::multiplies_integers() && !features.amx;
    EXPECT_EQ(in_int16 != in_bf16, uses_int16);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, UpsampledImages,
    testing::Values(ConvCase{1, 64, 64, 16, 16, 3, 1, Resample::up, false, false, Activation::relu},
                    ConvCase{2, 32, 40, 16, 19, 3, 1, Resample::up, true, true, Activation::silu, 3},
                    ConvCase{2, 33, 48, 20, 16, 3, 1, Resample::up, false, true},
                    ConvCase{1, 65, 64, 16, 17, 3, 1, Resample::up}));  // Too many weights for phases.

TEST(Reduced, ConvolvesLargeImagesOfZerosAndInfinities) {
  constexpr std::int64_t kSide = 32;
  const std::vector<float> weight = reference::random_values(64 * 64 * 9, 1);
  const std::vector<float> bias = reference::random_values(64, 2);
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor x = bench.empty({1, kSide, kSide, 64});
    std::fill_n(x.as<float>(), x.shape.elements(), 0.0F);
    const HostConv2d layer{weight, bias, 64, 64, 3};
    const Tensor of_zeros = reduced(bench, x, layer, {.padding = 1}, kSide);
    x.as<float>()[0] = std::numeric_limits<float>::infinity();
    const Tensor of_infinity = reduced(bench, x, layer, {.padding = 1}, kSide);
    EXPECT_EQ(reference::largest_error(
                  of_zeros, [&](auto, auto, auto, auto o) { return bias[static_cast<std::size_t>(o)]; }),
              0);
    for (std::int64_t o = 0; o < 64; ++o) {
      EXPECT_FALSE(std::isfinite(at(of_infinity, 0, 0, 0, o))) << o;
    }
  }
}

TEST(Reduced, ConvolvesSmallImagesInInt8WhateverTheLayerIsFor) {
  for (const Shape& small : {Shape{1, 15, 17, 64}, Shape{1, 31, 33, 288}}) {
    const std::vector<float> weight = reference::random_values(small.c * small.c * 9, 1);
    const HostConv2d layer{weight, {}, small.c, small.c, 3};
    Bench bench;
    const Tensor x = bench.random(small, 2);
    EXPECT_EQ(
        difference(reduced(bench, x, layer, {.padding = 1}, 64), reduced(bench, x, layer, {.padding = 1}, 0)),
        0);
  }
}

/// Three convolutions, the last of which adds the chain's input, as in an autoencoder's blocks.
class Chain {
 public:
  Chain(Device& device, std::int64_t channels, Precision precision) {
    for (std::uint32_t i = 0; i < 3; ++i) {
      std::vector<float> weight = reference::random_values(channels * channels * 9, i + 1);
      for (float& value : weight) {
        value /= std::sqrt(static_cast<float>(channels) * 3.0F);
      }
      const std::vector<float> bias = reference::random_values(channels, i + 10);
      layers_.push_back(device.pack_conv2d({weight, bias, channels, channels, 3, Resample::none, precision}));
    }
  }

  [[nodiscard]] std::vector<Conv2dStep> steps(const Tensor& x, const std::vector<Tensor>& outs) const {
    const Conv2dOptions plain{.padding = 1, .activation = Activation::relu};
    return {{layers_[0].get(), plain, outs[0]},
            {layers_[1].get(), plain, outs[1]},
            {layers_[2].get(), {.padding = 1, .residual = x, .activation = Activation::relu}, outs[2]}};
  }

 private:
  std::vector<Weights> layers_;
};

std::vector<Tensor> outs_of_chain(Bench& bench, const Shape& shape, std::int64_t extra = 0) {
  return {bench.empty(shape), bench.empty(shape), bench.empty(shape, extra)};
}

Tensor chained(Bench& bench, const Tensor& x, Precision precision, std::int64_t extra = 0) {
  const Chain chain(bench.device(), x.shape.c, precision);
  const std::vector<Tensor> outs = outs_of_chain(bench, x.shape, extra);
  bench.device().conv2d_chain(x, chain.steps(x, outs));
  return outs[2];
}

Tensor one_by_one(Bench& bench, const Tensor& x, Precision precision) {
  const Chain chain(bench.device(), x.shape.c, precision);
  const std::vector<Tensor> outs = outs_of_chain(bench, x.shape);
  bench.device().Device::conv2d_chain(x, chain.steps(x, outs));
  return outs[2];
}

TEST(ReducedChain, GivesInBfloat16WhatItsConvolutionsGiveOneByOne) {
  for (const cpu::Features& features : reference::all_features()) {
    for (const Shape shape : {Shape{1, 270, 200, 32}, Shape{2, 130, 131, 20}, Shape{1, 40, 500, 16}}) {
      Bench bench(2, features);
      const Tensor x = bench.random(shape, 7, 4);
      EXPECT_LT(difference(chained(bench, x, Precision::bf16, 3), one_by_one(bench, x, Precision::bf16)),
                1e-5);
    }
  }
}

TEST(ReducedChain, StaysWithinAFewStepsOfInt8OfFloat32) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor x = bench.random({1, 200, 270, 32}, 7);
    const Tensor exact = one_by_one(bench, x, Precision::f32);
    EXPECT_LT(difference(chained(bench, x, Precision::int8), exact), 0.1);
    EXPECT_GT(difference(chained(bench, x, Precision::int8), exact), 1e-4) << "it was not rounded at all";
  }
}

TEST(ReducedChain, GivesEachRowTheSameAloneAndAmongOthersOnAnyNumberOfThreads) {
  Bench two(2);
  Bench one(1);
  const Tensor x = two.random({2, 140, 140, 64}, 2);
  const Tensor together = chained(two, x, Precision::int8);
  for (std::int64_t row = 0; row < x.shape.n; ++row) {
    EXPECT_EQ(difference(chained(one, x.rows(row, 1), Precision::int8), together.rows(row, 1)), 0.0);
  }
}

TEST(Reduced, GivesEachRowTheSameAloneAndAmongOthersOnAnyNumberOfThreads) {
  constexpr std::int64_t kChannels = 64;
  const std::vector<float> weight = reference::random_values(kChannels * kChannels * 9, 1);
  const HostConv2d layer{weight, {}, kChannels, kChannels, 3};
  Bench two(2);
  Bench one(1);
  const Tensor x = two.random({2, 300, 220, kChannels}, 2);  // Large enough for several bands.
  for (const std::int64_t side : {0, 64}) {
    const Tensor together = reduced(two, x, layer, {.padding = 1}, side);
    for (std::int64_t row = 0; row < x.shape.n; ++row) {
      const Tensor alone = reduced(one, x.rows(row, 1), layer, {.padding = 1}, side);
      EXPECT_EQ(difference(alone, together.rows(row, 1)), 0);
    }
  }
}

}  // namespace
}  // namespace streamdiffusion
