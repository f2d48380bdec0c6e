// Tests of the Vulkan device that the tests of operations leave out. They are skipped where Vulkan has no
// device.

#include "device/vulkan/vulkan_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "device/device_tensor.h"
#include "device/reference.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::vulkan {
namespace {

class VulkanDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      device_ = make_vulkan_device(0, DType::f16);
    } catch (const Error& error) {
      GTEST_SKIP() << error.what();
    }
  }

  Device& device() { return *device_; }

  DeviceTensor tensor(const Shape& shape, const std::vector<float>& values, DType type = DType::f32) {
    DeviceTensor made(*device_, shape, type);
    device_->upload(values, made.view());
    return made;
  }
  std::vector<float> values_of(const DeviceTensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.view().shape.elements()));
    device_->download(tensor.view(), values);
    return values;
  }

  std::unique_ptr<Device> device_;
};

std::vector<float> counted(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

TEST_F(VulkanDeviceTest, RepeatsASequenceWithTheContentsOfTheMoment) {
  const std::vector<float> identity = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  std::vector<float> doubling = identity;
  std::ranges::transform(doubling, doubling.begin(), [](float weight) { return 2 * weight; });
  const auto pack = [&](const std::vector<float>& weight) {
    return device().pack_linear({.weight = weight, .bias = {}, .out_channels = 4, .in_channels = 4});
  };
  const Weights slot = pack(identity);
  const DeviceTensor x = tensor({2, 1, 1, 4}, counted(8));
  const DeviceTensor between = tensor({2, 1, 1, 4}, std::vector<float>(8));
  const DeviceTensor out = tensor({2, 1, 1, 4}, std::vector<float>(8));
  std::vector<float> a = {1, 1};
  const std::vector<float> b = {0, 1};
  const auto run = [&] {
    device().sequence([&] {
      device().linear(x.view(), *slot, {}, between.view());
      device().combine(between.view(), a, x.view(), b, out.view());
    });
    return values_of(out);
  };
  const std::vector<float> first = {1, 2, 3, 4, 10, 12, 14, 16};
  for (int time = 0; time < 4; ++time) {  // Computed, recorded, repeated, repeated.
    EXPECT_EQ(run(), first) << time;
  }
  a = {3, 2};
  EXPECT_EQ(run(), (std::vector<float>{3, 6, 9, 12, 15, 18, 21, 24})) << "other factors";
  const Weights contents = pack(doubling);
  const WeightUpdate update{slot.get(), contents.get()};
  ASSERT_TRUE(device().update_weights({&update, 1}));
  EXPECT_EQ(run(), (std::vector<float>{6, 12, 18, 24, 25, 30, 35, 40})) << "other weights";
  device().upload(std::vector<float>(8, 1), x.view());
  EXPECT_EQ(run(), (std::vector<float>{6, 6, 6, 6, 5, 5, 5, 5})) << "another input";
}

TEST_F(VulkanDeviceTest, KeepsTheOrderOfSequencesAndOtherOperations) {
  const DeviceTensor x = tensor({.c = 1024}, counted(1024));
  const DeviceTensor y = tensor({.c = 1024}, std::vector<float>(1024));
  for (int time = 0; time < 20; ++time) {
    device().sequence([&] { device().add(x.view(), y.view(), y.view()); });
    device().map(y.view(), 0.5F, Activation::none, 1, 1, y.view());
  }
  std::vector<float> expected(1024, 0);
  for (int time = 0; time < 20; ++time) {
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = (expected[i] + static_cast<float>(i + 1)) * 0.5F + 1;
    }
  }
  EXPECT_EQ(values_of(y), expected);
}

TEST_F(VulkanDeviceTest, TakesBothTypesInAnyCombination) {
  const std::vector<float> values = counted(16);
  for (const DType in : {DType::f32, DType::f16}) {
    for (const DType out_type : {DType::f32, DType::f16}) {
      const DeviceTensor x = tensor({2, 2, 1, 4}, values, in);
      const DeviceTensor y = tensor({2, 2, 1, 4}, values, out_type);
      const DeviceTensor out = tensor({2, 2, 1, 4}, std::vector<float>(16), out_type);
      device().add(x.view(), y.view(), out.view());
      EXPECT_EQ(values_of(out)[5], 12);
      device().combine(x.view(), std::vector<float>{2, 3}, y.view(), std::vector<float>{1, 1}, out.view());
      EXPECT_EQ(values_of(out)[5], 18);
      EXPECT_EQ(values_of(out)[9], 40);
      EXPECT_NEAR(device().cosine_similarity(x.view(), y.view()), 1, 1e-6);
      const std::vector<float> identity = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
      const Weights weights = device().pack_conv2d({identity, {}, 4, 4, 1});
      device().conv2d(x.view(), *weights, {.residual = y.view()}, out.view());
      EXPECT_EQ(values_of(out)[7], 16);
      device().attention(x.view(), x.view(), y.view(), {.heads = 2}, out.view());
      EXPECT_NEAR(values_of(out)[3], 8, 0.01) << "the second token's score is far higher";
      const Weights ones = device().pack_vector(std::vector<float>(4, 1));
      device().layer_norm(x.view(), *ones, *ones, 1e-5F, out.view());
      EXPECT_NEAR(values_of(out)[0], 1 - 1.5 / std::sqrt(1.25), 1e-3);
      device().group_norm(x.view(), *ones, *ones, 1, 1e-5F, Activation::none, out.view());
      EXPECT_NEAR(values_of(out)[0], 1 - 3.5 / std::sqrt(5.25), 1e-3);
    }
  }
}

TEST_F(VulkanDeviceTest, NormalisesAGroupOfManyPixelsWithALargeMean) {
  // More pixels than a workgroup takes for the statistics.
  const Shape shape{1, 160, 160, 4};
  std::vector<float> values = reference::random_values(shape.elements(), 3);
  std::ranges::transform(values, values.begin(), [](float value) { return value + 1000; });
  const DeviceTensor x = tensor(shape, values);
  const DeviceTensor out = tensor(shape, values);
  const Weights ones = device().pack_vector(std::vector<float>(4, 1));
  const Weights zeros = device().pack_vector(std::vector<float>(4, 0));
  device().group_norm(x.view(), *ones, *zeros, 1, 1e-5F, Activation::none, out.view());
  double mean = 0;
  for (const float value : values) {
    mean += static_cast<double>(value) / static_cast<double>(values.size());
  }
  double variance = 0;
  for (const float value : values) {
    variance += (value - mean) * (value - mean) / static_cast<double>(values.size());
  }
  const std::vector<float> normalised = values_of(out);
  for (std::size_t i = 0; i < values.size(); i += 97) {
    ASSERT_NEAR(normalised[i], (values[i] - mean) / std::sqrt(variance), 1e-3) << i;
  }
}

TEST_F(VulkanDeviceTest, ComputesImagesOfMoreTilesThanADirectionOfADispatchHas) {
  const Shape shape{1, 2048, 2049, 4};
  constexpr std::int64_t kOut = 9;
  const DeviceTensor x = tensor(shape, reference::random_values(shape.elements(), 3));
  const DeviceTensor out(device(), {1, shape.h, shape.w, kOut}, DType::f32);
  std::vector<float> weight(static_cast<std::size_t>(kOut * shape.c), 0);
  weight[8 * 4 + 1] = 1;  // The last output channel is the second input channel.
  const Weights weights = device().pack_conv2d({weight, {}, kOut, shape.c, 1});
  device().conv2d(x.view(), *weights, {}, out.view());
  const std::vector<float> inputs = values_of(x);
  const std::vector<float> outputs = values_of(out);
  for (std::int64_t pixel = shape.pixels() - 200; pixel < shape.pixels(); ++pixel) {
    ASSERT_NEAR(outputs[static_cast<std::size_t>(pixel * kOut + 8)],
                inputs[static_cast<std::size_t>(pixel * shape.c + 1)], 2e-3)
        << pixel;
  }
  const Weights ones = device().pack_vector(std::vector<float>(4, 1));
  const Weights zeros = device().pack_vector(std::vector<float>(4, 0));
  const DeviceTensor normalised(device(), shape, DType::f32);
  device().group_norm(x.view(), *ones, *zeros, 1, 1e-5F, Activation::none, normalised.view());
  EXPECT_NEAR(values_of(normalised).back(), inputs.back(), 5e-3) << "mean 0 and variance 1, as before";
}

TEST_F(VulkanDeviceTest, SendsLargeTensorsInParts) {
  const std::vector<float> values = counted(5'000'000);  // 20 MB; a part has 8.
  const DeviceTensor x = tensor({.c = 5'000'000}, values);
  EXPECT_EQ(values_of(x), values);
}

TEST_F(VulkanDeviceTest, UsesFreedMemoryAgain) {
  const void* first = nullptr;
  for (int time = 0; time < 100; ++time) {
    const Buffer large = device().allocate(std::size_t{200} << 20U);
    const Buffer small = device().allocate(1000);
    first = first == nullptr ? large.data() : first;
    EXPECT_EQ(large.data(), first);
  }
}

TEST_F(VulkanDeviceTest, SaysThatMemoryDoesNotSuffice) {
  try {
    device().allocate(std::size_t{1} << 50U);
    FAIL() << "a petabyte was allocated";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("memory"), std::string::npos) << error.what();
  }
  EXPECT_NE(device().allocate(1000).data(), nullptr) << "the device goes on";
}

TEST_F(VulkanDeviceTest, MeasuresTheTimeOfOperations) {
  const DeviceTensor x = tensor({.c = 1 << 20}, std::vector<float>(1 << 20, 1));
  const std::unique_ptr<Timestamp> start = device().make_timestamp();
  const std::unique_ptr<Timestamp> end = device().make_timestamp();
  for (int time = 0; time < 2; ++time) {  // A timestamp may be set again.
    start->record();
    for (int i = 0; i < 10; ++i) {
      device().map(x.view(), 1, Activation::tanh, 1, 0, x.view());
    }
    end->record();
    EXPECT_GT(end->seconds_since(*start), 0);
    EXPECT_LT(end->seconds_since(*start), 100);
  }
}

TEST_F(VulkanDeviceTest, BuffersMayOutliveIt) {
  Buffer buffer = device().allocate(1000);
  device_.reset();
  buffer = {};
}

}  // namespace
}  // namespace streamdiffusion::vulkan
