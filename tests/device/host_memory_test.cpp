// Checks that host memory belongs to the caller again as soon as a function of the device returns.

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::Bench;

constexpr std::size_t kValues = 3 * 64 * 64;

TEST(HostMemory, OfUploadedValuesMayChangeAtOnce) {
  Bench bench;
  const Tensor x = bench.empty({1, 64, 64, 3});
  std::vector<float> values(kValues, 2);
  bench.device().upload(values, x);
  std::ranges::fill(values, 3.0F);
  bench.device().download(x, values);
  EXPECT_EQ(values, std::vector<float>(kValues, 2));
}

TEST(HostMemory, OfUploadedPixelsMayChangeAtOnce) {
  Bench bench;
  const Tensor x = bench.empty({1, 64, 64, 3});
  std::vector<std::uint8_t> pixels(kValues, 255);
  bench.device().upload_pixels(pixels.data(), 1, 0, x);
  std::ranges::fill(pixels, std::uint8_t{0});
  bench.device().download_pixels(x, 1, 0, pixels.data());
  EXPECT_EQ(pixels, std::vector<std::uint8_t>(kValues, 255));
}

TEST(HostMemory, OfPackedWeightsMayChangeAtOnce) {
  Bench bench;
  std::vector<float> weight = {1, 0, 0, 1};
  std::vector<float> bias = {5, 6};
  const Weights packed =
      bench.device().pack_linear({.weight = weight, .bias = bias, .out_channels = 2, .in_channels = 2});
  std::ranges::fill(weight, 9.0F);
  std::ranges::fill(bias, 9.0F);
  const Tensor x = bench.empty({1, 1, 1, 2});
  const std::vector<float> values = {1, 2};
  bench.device().upload(values, x);
  const Tensor out = bench.empty(x.shape);
  bench.device().linear(x, *packed, {}, out);
  EXPECT_EQ(out.as<float>()[0], 6);
  EXPECT_EQ(out.as<float>()[1], 8);
}

}  // namespace
}  // namespace streamdiffusion
