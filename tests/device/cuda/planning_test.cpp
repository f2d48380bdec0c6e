// Tests of the decisions that the host takes before a kernel runs.

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <thread>
#include <vector>

#include "device/cuda/conv_geometry.h"
#include "device/cuda/elementwise.h"
#include "device/cuda/host_launch.h"
#include "device/cuda/host_tensor.h"
#include "device/cuda/measured_choice.h"

namespace streamdiffusion::cuda {
namespace {

using Floats = HostTensor<float>;

/// Computes one output of a convolution as cuDNN does: with the same padding on all sides.
double symmetric_convolution(const Floats& x, const Floats& weights, const ConvGeometry& g,
                             std::int64_t kernel, std::int64_t pixel, std::int64_t o) {
  const std::int64_t px = pixel % g.out.w;
  const std::int64_t py = pixel / g.out.w % g.out.h;
  const std::int64_t row = pixel / g.out.w / g.out.h;
  double sum = 0;
  for (std::int64_t ky = 0; ky < kernel; ++ky) {
    for (std::int64_t kx = 0; kx < kernel; ++kx) {
      const std::int64_t ix = px * g.step + kx - g.padding;
      const std::int64_t iy = py * g.step + ky - g.padding;
      if (ix >= 0 && iy >= 0 && ix < g.in.w && iy < g.in.h) {
        for (std::int64_t i = 0; i < g.in.c; ++i) {
          sum += x.at((row * g.in.h + iy) * g.in.w + ix, i) * weights.at((o * kernel + ky) * kernel + kx, i);
        }
      }
    }
  }
  return sum;
}

struct ConvCase {
  std::int64_t in, out, h, w, kernel, padding;
  Resample resample;
  std::int64_t out_h, out_w;
};

/// Packs weights, gathers the input and convolves as cuDNN does; compares with the definition in device.h.
void expect_convolution(const ConvCase& c) {
  const Floats x({2, c.h, c.w, c.in}, 0, 1);
  const std::vector<float> weight = reference::random_values(c.out * c.in * c.kernel * c.kernel, 2);
  const ConvGeometry g =
      conv_geometry(x.shape(), c.kernel, c.resample, c.padding, {2, c.out_h, c.out_w, c.out});
  ASSERT_EQ(g.in.c % kChannelMultiple, 0);
  ASSERT_EQ(g.out.c % kChannelMultiple, 0);
  ASSERT_EQ((g.in.h + 2 * g.padding - c.kernel) / g.step + 1, c.out_h);
  ASSERT_EQ((g.in.w + 2 * g.padding - c.kernel) / g.step + 1, c.out_w);
  const Floats packed({g.out.c, c.kernel, c.kernel, g.in.c}, 0);
  for_each_element(
      packed.shape().elements(),
      PackWeights<float>{weight.data(), packed.view().data, static_cast<std::uint32_t>(c.out),
                         static_cast<std::uint32_t>(c.in), static_cast<std::uint32_t>(c.kernel * c.kernel),
                         static_cast<std::uint32_t>(g.in.c)});
  const Floats gathered(g.in, 0);
  for_each_element(g.in.elements(), Gather<float, 1>{x.view(), c.h, c.w, c.in, gathered.view(), g.in.h,
                                                     g.in.w, static_cast<std::uint32_t>(g.in.c), g.upsampling,
                                                     g.image_h, g.image_w, g.gathered_padding});
  const Floats& input = g.gather ? gathered : x;

  const std::int64_t scale = c.resample == Resample::up ? 2 : 1;
  const std::int64_t step = c.resample == Resample::down ? 2 : 1;
  for (std::int64_t pixel = 0; pixel < 2 * c.out_h * c.out_w; ++pixel) {
    const std::int64_t px = pixel % c.out_w;
    const std::int64_t py = pixel / c.out_w % c.out_h;
    const std::int64_t row = pixel / c.out_w / c.out_h;
    for (std::int64_t o = 0; o < g.out.c; ++o) {
      double want = 0;
      for (std::int64_t ky = 0; o < c.out && ky < c.kernel; ++ky) {
        for (std::int64_t kx = 0; kx < c.kernel; ++kx) {
          const std::int64_t ix = px * step + kx - c.padding;
          const std::int64_t iy = py * step + ky - c.padding;
          // An upsampled image is cropped to the output, as in a UNet with latents of odd size.
          const bool is_up = c.resample == Resample::up;
          if (ix < 0 || iy < 0 || ix >= (is_up ? c.out_w : c.w) || iy >= (is_up ? c.out_h : c.h)) {
            continue;
          }
          for (std::int64_t i = 0; i < c.in; ++i) {
            want += x.at((row * c.h + iy / scale) * c.w + ix / scale, i) *
                    static_cast<double>(
                        weight[static_cast<std::size_t>(((o * c.in + i) * c.kernel + ky) * c.kernel + kx)]);
          }
        }
      }
      ASSERT_NEAR(symmetric_convolution(input, packed, g, c.kernel, pixel, o), want, 1e-9) << pixel;
    }
  }
}

TEST(CudaConvGeometry, GivesTheConvolutionOfTheDevice) {
  constexpr Resample kNone = Resample::none;
  constexpr Resample kDown = Resample::down;
  constexpr Resample kUp = Resample::up;
  for (const ConvCase& c : {ConvCase{8, 16, 5, 6, 3, 1, kNone, 5, 6}, ConvCase{4, 8, 5, 6, 3, 1, kNone, 5, 6},
                            ConvCase{16, 3, 4, 4, 3, 1, kNone, 4, 4}, ConvCase{8, 8, 6, 8, 3, 1, kDown, 3, 4},
                            ConvCase{8, 8, 7, 5, 3, 1, kDown, 4, 3}, ConvCase{8, 8, 8, 6, 3, 0, kDown, 4, 3},
                            ConvCase{8, 16, 3, 4, 3, 1, kUp, 6, 8}, ConvCase{8, 8, 3, 4, 3, 1, kUp, 5, 7},
                            ConvCase{3, 5, 1, 1, 3, 1, kNone, 1, 1}, ConvCase{8, 8, 4, 4, 1, 0, kNone, 4, 4},
                            ConvCase{8, 8, 6, 6, 3, 1, kNone, 4, 3}}) {
    expect_convolution(c);
  }
}

TEST(CudaConvGeometry, LeavesAsTheyAreWhatCudnnTakes) {
  EXPECT_FALSE(conv_geometry({1, 64, 64, 320}, 3, Resample::none, 1, {1, 64, 64, 320}).gather);
  EXPECT_FALSE(conv_geometry({1, 64, 64, 320}, 3, Resample::down, 1, {1, 32, 32, 320}).gather);
  EXPECT_TRUE(conv_geometry({1, 64, 64, 4}, 3, Resample::none, 1, {1, 64, 64, 320}).gather);
}

std::optional<std::int64_t> quickest_of(MeasuredChoice& choice,
                                        const std::vector<std::optional<float>>& taken) {
  return choice.choose_fastest(std::ssize(taken),
                               [&](std::int64_t i) { return taken[static_cast<std::size_t>(i)]; });
}

TEST(CudaMeasuredChoice, TakesTheQuickestOfTheFirst) {
  MeasuredChoice choice(std::chrono::hours(1));
  EXPECT_EQ(quickest_of(choice, {3.0F, 2.0F, 4.0F}), 1);
  EXPECT_EQ(quickest_of(choice, {std::nullopt, 2.0F, 1.0F}), 2);
  EXPECT_EQ(quickest_of(choice, {3.0F, 2.0F, 4.0F, 1.0F}), 1) << "the fourth is not measured";
  EXPECT_EQ(quickest_of(choice, {std::nullopt}), std::nullopt);
  EXPECT_EQ(quickest_of(choice, {}), std::nullopt);
}

TEST(CudaMeasuredChoice, EndsWithItsTime) {
  MeasuredChoice choice(std::chrono::nanoseconds(1));
  const auto slowly = [](std::int64_t i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return std::optional(static_cast<float>(-i));
  };
  EXPECT_EQ(choice.choose_fastest(3, slowly), 0) << "no time for the second";
  EXPECT_EQ(choice.choose_fastest(3, slowly), std::nullopt);
}

}  // namespace
}  // namespace streamdiffusion::cuda
