#include "device/cuda/elementwise.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "device/cuda/host_launch.h"
#include "device/cuda/host_tensor.h"

namespace streamdiffusion::cuda {
namespace {

template <typename T, int V>
struct TypeAndPack {
  using Type = T;
  static constexpr int kWidth = V;
};
using Types = testing::Types<TypeAndPack<float, 1>, TypeAndPack<float, 4>, TypeAndPack<__half, 1>,
                             TypeAndPack<__half, 8>, TypeAndPack<__nv_bfloat16, 8>>;

template <typename TypeParam>
class CudaElementwise : public testing::Test {};
TYPED_TEST_SUITE(CudaElementwise, Types);

/// Channels of the tensors and of the gaps between their pixels: multiples of every pack's width.
constexpr std::int64_t kChannels = 16;
constexpr std::int64_t kExtra = 8;
constexpr std::array kActivations = {Activation::none, Activation::silu,       Activation::relu,
                                     Activation::gelu, Activation::quick_gelu, Activation::tanh};

TYPED_TEST(CudaElementwise, MapAppliesEveryActivation) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({2, 3, 5, kChannels}, kExtra, 1);
  for (const Activation activation : kActivations) {
    const HostTensor<T> out(x.shape(), kExtra);
    for_each_element(x.shape().elements() / V,
                     Map<T, V>{x.view(), out.view(), kChannels / V, 3.0F, activation, 2.0F, -1.0F});
    EXPECT_LT(out.largest_error([&](auto pixel, auto c) {
      return reference::activate(activation, 3 * x.at(pixel, c)) * 2 - 1;
    }),
              2 * kRounding<T>);
  }
}

TYPED_TEST(CudaElementwise, MapKeepsNaNInEveryActivation) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({2, 3, 5, kChannels}, kExtra, 1);
  for (const Activation activation : kActivations) {
    const HostTensor<T> out(x.shape(), kExtra);
    for_each_element(x.shape().elements() / V,
                     Map<T, V>{x.view(), out.view(), kChannels / V, std::numeric_limits<float>::quiet_NaN(),
                               activation, 1.0F, 0.0F});
    for (std::int64_t pixel = 0; pixel < x.shape().pixels(); ++pixel) {
      for (std::int64_t c = 0; c < kChannels; ++c) {
        EXPECT_TRUE(std::isnan(out.at(pixel, c))) << static_cast<int>(activation);
      }
    }
  }
}

TYPED_TEST(CudaElementwise, CopyMovesSlices) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({2, 3, 5, kChannels}, kExtra, 1);
  const HostTensor<T> out(x.shape(), 2 * kExtra);
  for_each_element(x.shape().elements() / V, Copy<T, V>{x.view(), out.view(), kChannels / V});
  EXPECT_EQ(out.largest_error([&](auto pixel, auto c) { return x.at(pixel, c); }), 0);
}

TYPED_TEST(CudaElementwise, CombineHasFactorsForEachRow) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({3, 2, 4, 4}, 0, 1);
  const HostTensor<T> y({3, 2, 4, 4}, 0, 2);
  const FactorValues values{{1, 2, -3}, {0.5F, -1, 4}};
  const auto error_with = [&](const auto& factors) {
    const HostTensor<T> out(x.shape(), 0);
    using Factors = std::remove_cvref_t<decltype(factors)>;
    for_each_element(x.shape().elements() / V,
                     Combine<T, V, Factors>{x.view(), y.view(), out.view(), 2 * 4 * 4 / V, factors});
    return out.largest_error([&](auto pixel, auto c) {
      return static_cast<double>(values.a[pixel / 8]) * x.at(pixel, c) +
             static_cast<double>(values.b[pixel / 8]) * y.at(pixel, c);
    });
  };
  EXPECT_LT(error_with(values), 2 * kRounding<T>);
  EXPECT_LT(error_with(FactorMemory{values.a, values.b}), 2 * kRounding<T>);
}

TYPED_TEST(CudaElementwise, AddTakesSlicesOfChannels) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({2, 3, 4, kChannels}, kExtra, 1);
  const HostTensor<T> y({2, 3, 4, kChannels}, 0, 2);
  const HostTensor<T> out(x.shape(), 2 * kExtra);
  for_each_element(x.shape().elements() / V, Add<T, V>{x.view(), y.view(), out.view(), kChannels / V});
  EXPECT_LT(out.largest_error([&](auto pixel, auto c) { return x.at(pixel, c) + y.at(pixel, c); }),
            kRounding<T>);
}

TYPED_TEST(CudaElementwise, GatherUpsamplesAndSurroundsWithZeros) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  for (const std::int64_t upsampling : {1, 2}) {
    const HostTensor<T> x({2, 3, 4, kChannels}, kExtra, 1);
    const std::int64_t image_h = upsampling == 2 ? 5 : 3;  // The upsampled image is a line short.
    const HostTensor<T> out({2, 3 * upsampling + 2, 4 * upsampling + 1, kChannels + kExtra}, 0);
    for_each_element(out.shape().elements() / V,
                     Gather<T, V>{x.view(), 3, 4, kChannels, out.view(), out.shape().h, out.shape().w,
                                  (kChannels + kExtra) / V, upsampling, image_h, 4 * upsampling, 1});
    EXPECT_EQ(out.largest_error([&](auto pixel, auto c) {
      const auto px = pixel % out.shape().w - 1;
      const auto py = pixel / out.shape().w % out.shape().h - 1;
      const auto row = pixel / out.shape().w / out.shape().h;
      const bool inside = px >= 0 && py >= 0 && px < 4 * upsampling && py < image_h && c < kChannels;
      return inside ? x.at((row * 3 + py / upsampling) * 4 + px / upsampling, c) : 0.0;
    }),
              0);
  }
}

TYPED_TEST(CudaElementwise, FinishAddsWhatIsThere) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({2, 3, 5, kChannels}, 0, 1);
  const HostTensor<T> bias({1, 1, 1, kChannels}, 0, 2);
  const HostTensor<T> row_bias({2, 1, 1, kChannels}, 3, 3);
  const HostTensor<T> residual(x.shape(), 5, 4);
  for (const bool all : {false, true}) {
    const HostTensor<T> out(x.shape(), kExtra);
    for_each_element(x.shape().elements() / V, Finish<T, V>{x.view(), all ? bias.view().data : nullptr,
                                                            all ? row_bias.view() : View<T>{nullptr, 0},
                                                            all ? residual.view() : View<T>{nullptr, 0},
                                                            out.view(), kChannels / V, 15, Activation::silu});
    EXPECT_LT(out.largest_error([&](auto pixel, auto c) {
      const double added = all ? bias.at(0, c) + row_bias.at(pixel / 15, c) + residual.at(pixel, c) : 0.0;
      return reference::activate(Activation::silu, x.at(pixel, c) + added);
    }),
              4 * kRounding<T>);
  }
}

TYPED_TEST(CudaElementwise, GegluMultipliesByGeluOfTheSecondHalf) {
  using T = typename TypeParam::Type;
  constexpr int V = TypeParam::kWidth;
  const HostTensor<T> x({1, 1, 7, 2 * kChannels}, 0, 1);
  const HostTensor<T> residual({1, 1, 7, kChannels}, 3, 2);
  const HostTensor<T> out(residual.shape(), kExtra);
  for_each_element(out.shape().elements() / V, Geglu<T, V>{x.view(), residual.view(), out.view(),
                                                           kChannels / V, kChannels, Activation::none});
  EXPECT_LT(out.largest_error([&](auto pixel, auto c) {
    return x.at(pixel, c) * reference::activate(Activation::gelu, x.at(pixel, c + kChannels)) +
           residual.at(pixel, c);
  }),
            4 * kRounding<T>);
}

TYPED_TEST(CudaElementwise, PackWeightsReordersAndFillsWithZeros) {
  using T = typename TypeParam::Type;
  constexpr std::int64_t kOut = 5;
  constexpr std::int64_t kIn = 3;
  const std::vector<float> weight = reference::random_values(kOut * kIn * 9, 1);
  const HostTensor<T> out({8, 3, 3, 8}, 0);
  for_each_element(out.shape().elements(), PackWeights<T>{weight.data(), out.view().data, kOut, kIn, 9, 8});
  EXPECT_LE(out.largest_error([&](auto pixel, auto in) {
    const auto o = pixel / 9;
    const bool inside = o < kOut && in < kIn;
    return inside ? static_cast<double>(weight[static_cast<std::size_t>((o * kIn + in) * 9 + pixel % 9)])
                  : 0.0;
  }),
            kRounding<T>);
}

TYPED_TEST(CudaElementwise, PixelsSurviveTheWayUpAndDown) {
  using T = typename TypeParam::Type;
  std::vector<std::uint8_t> pixels(256);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i);
  }
  const HostTensor<T> x({1, 1, 1, 256}, 0);
  for_each_element(256, FromPixels<T>{pixels.data(), x.view().data, 2.0F, -1.0F});
  EXPECT_EQ(x.at(0, 0), -1);
  EXPECT_EQ(x.at(0, 255), 1);
  std::vector<std::uint8_t> back(256);
  for_each_element(256, ToPixels<T>{x.view().data, back.data(), 0.5F, 0.5F});
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    EXPECT_NEAR(back[i], pixels[i], (std::is_same_v<T, __nv_bfloat16> ? 1 : 0));
  }
}

TEST(CudaPixels, AreClampedAndRounded) {
  const std::vector<float> values = {-3, 7, 0.5F, 1.0F / 255 * 0.51F};
  std::vector<std::uint8_t> pixels(4);
  for_each_element(4, ToPixels<float>{values.data(), pixels.data(), 1.0F, 0.0F});
  EXPECT_EQ(pixels, (std::vector<std::uint8_t>{0, 255, 128, 1}));
}

}  // namespace
}  // namespace streamdiffusion::cuda
