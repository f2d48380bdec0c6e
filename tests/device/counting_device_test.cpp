#include "device/counting_device.h"

#include <gtest/gtest.h>

#include <vector>

#include "device/device_tensor.h"

namespace streamdiffusion {
namespace {

TEST(CountingDevice, CountsTwoOperationsForEachMultiplicationOfAConvolution) {
  CountingDevice device;
  const std::vector<float> weight(16 * 4 * 9);
  const Weights packed =
      device.pack_conv2d({.weight = weight, .bias = {}, .out_channels = 16, .in_channels = 4, .kernel = 3});
  const DeviceTensor x(device, {2, 8, 8, 4});
  const DeviceTensor out(device, {2, 8, 8, 16});
  device.conv2d(x.view(), *packed, {.padding = 1}, out.view());
  EXPECT_EQ(device.operations(), 2.0 * 2 * 8 * 8 * 16 * 4 * 9);
}

TEST(CountingDevice, CountsBothProductsOfAttention) {
  CountingDevice device;
  const DeviceTensor q(device, {1, 1, 10, 8});
  const DeviceTensor k(device, {1, 1, 6, 8});
  device.attention(q.view(), k.view(), k.view(), {.heads = 2}, q.view());
  EXPECT_EQ(device.operations(), 2.0 * 2 * 10 * 6 * 8);
}

}  // namespace
}  // namespace streamdiffusion
