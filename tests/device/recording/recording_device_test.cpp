// Checks what a device that records repeats, and with which contents.

#include "device/recording/recording_device.h"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "device/arena.h"
#include "device/recording/replaying_device.h"

namespace streamdiffusion {
namespace {

class RecordingDeviceTest : public testing::Test {
 protected:
  /// Packs a linear layer from two channels to two: x * scale + bias.
  Weights scaling(float scale, std::vector<float> bias = {0, 0}) {
    const std::vector<float> weight = {scale, 0, 0, scale};
    return device_.pack_linear({.weight = weight, .bias = bias, .out_channels = 2, .in_channels = 2});
  }
  Tensor tensor(const std::vector<float>& values) {
    const Tensor made = arena_.allocate({.n = std::ssize(values) / 2, .c = 2});
    device_.upload(values, made);
    return made;
  }
  std::vector<float> values(const Tensor& tensor) {
    std::vector<float> read(static_cast<std::size_t>(tensor.shape.elements()));
    device_.download(tensor, read);
    return read;
  }
  void repeat(int times, const std::function<void()>& operations) {
    for (int i = 0; i < times; ++i) {
      device_.sequence(operations);
    }
  }

  tests::ReplayingDevice device_;
  Arena arena_{device_};
};

using Values = std::vector<float>;

TEST_F(RecordingDeviceTest, RepeatsASequenceOnChangedTensors) {
  const Weights layer = scaling(3);
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  const auto multiply = [&] { device_.linear(x, *layer, {}, out); };
  repeat(2, multiply);
  EXPECT_EQ(values(out), Values({3, 6}));
  device_.upload(Values{5, 7}, x);
  repeat(1, multiply);
  EXPECT_EQ(values(out), Values({15, 21}));
  EXPECT_EQ(device_.computed, 1);
  EXPECT_EQ(device_.recorded, 1);
  EXPECT_EQ(device_.repeated, 2);
}

TEST_F(RecordingDeviceTest, RepeatsASequenceWithWeightsThatWereUpdatedInTheirSlot) {
  const Weights layer = scaling(3);
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  const auto multiply = [&] { device_.linear(x, *layer, {}, out); };
  repeat(3, multiply);
  {
    const Weights contents = scaling(10);
    const WeightUpdate update{.slot = layer.get(), .contents = contents.get()};
    EXPECT_TRUE(device_.update_weights({&update, 1}));
  }
  repeat(1, multiply);
  EXPECT_EQ(values(out), Values({10, 20}));
  EXPECT_EQ(device_.computed + device_.recorded, 2) << "nothing was recorded anew";
}

TEST_F(RecordingDeviceTest, UpdatesNoSlotUnlessAllLayoutsAreTheSame) {
  const Weights first = scaling(3);
  const Weights second = scaling(4);
  const Weights fits = scaling(10);
  const Weights has_no_bias = scaling(11, {});
  const WeightUpdate updates[] = {{.slot = first.get(), .contents = fits.get()},
                                  {.slot = second.get(), .contents = has_no_bias.get()}};
  EXPECT_FALSE(device_.update_weights(updates));
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  device_.linear(x, *first, {}, out);
  EXPECT_EQ(values(out), Values({3, 6}));
}

TEST_F(RecordingDeviceTest, ComputesWithTheWeightsOfTheTimeOfACall) {
  const Weights layer = scaling(3);
  const Weights contents = scaling(10);
  const Tensor x = tensor({1, 2});
  const Tensor before = tensor({0, 0});
  const Tensor after = tensor({0, 0});
  device_.sequence([&] {
    device_.linear(x, *layer, {}, before);
    const WeightUpdate update{.slot = layer.get(), .contents = contents.get()};
    device_.update_weights({&update, 1});
    device_.linear(x, *layer, {}, after);
  });
  EXPECT_EQ(values(before), Values({3, 6}));
  EXPECT_EQ(values(after), Values({10, 20}));
}

TEST_F(RecordingDeviceTest, DoesNotRepeatASequenceWithOtherWeightsTensorsOrOptions) {
  const Weights layer = scaling(3);
  const Weights other_layer = scaling(3);
  const Tensor x = tensor({1, 2});
  const Tensor y = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  repeat(3, [&] { device_.linear(x, *layer, {}, out); });
  ASSERT_EQ(device_.computed, 1);
  repeat(1, [&] { device_.linear(x, *other_layer, {}, out); });
  EXPECT_EQ(device_.computed, 2) << "another slot";
  repeat(1, [&] { device_.linear(y, *layer, {}, out); });
  EXPECT_EQ(device_.computed, 3) << "another tensor";
  repeat(1, [&] { device_.linear(x, *layer, {.residual = {}, .activation = Activation::relu}, out); });
  EXPECT_EQ(device_.computed, 4) << "another activation";
}

TEST_F(RecordingDeviceTest, DoesNotTakeANewSlotForOneThatWasFreed) {
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  for (int i = 1; i <= 3; ++i) {  // The slots follow one another, perhaps at one address.
    const Weights layer = scaling(static_cast<float>(i));
    repeat(1, [&] { device_.linear(x, *layer, {}, out); });
    EXPECT_EQ(values(out), Values({1.0F * static_cast<float>(i), 2.0F * static_cast<float>(i)}));
  }
  EXPECT_EQ(device_.computed, 3);
}

TEST_F(RecordingDeviceTest, RecordsCombineAndRepeatsItWithOtherFactors) {
  const Tensor x = tensor({1, 2, 3, 4});
  const Tensor y = tensor({10, 20, 30, 40});
  const Tensor sum = tensor({0, 0, 0, 0});
  const Tensor out = tensor({0, 0, 0, 0});
  const auto combine = [&](float a, float b) {
    repeat(1, [&] {
      device_.combine(x, Values{1, 1}, y, Values{2, 2}, sum);
      device_.combine(sum, Values{a, 1}, y, Values{b, 0}, out);
    });
    return values(out);
  };
  EXPECT_EQ(combine(1, 0), Values({21, 42, 63, 84}));
  EXPECT_EQ(combine(2, 1), Values({52, 104, 63, 84}));
  EXPECT_EQ(combine(0, 3), Values({30, 60, 63, 84}));
  EXPECT_EQ(device_.computed, 1);
  EXPECT_EQ(device_.recorded, 1);
  EXPECT_EQ(device_.repeated, 2);
}

TEST_F(RecordingDeviceTest, RecordsAdd) {
  const Tensor x = tensor({1, 2});
  const Tensor y = tensor({10, 20});
  const Tensor out = tensor({0, 0});
  const auto add = [&] {
    device_.add(x, y, out);
    device_.add(out, out, out);
  };
  repeat(2, add);
  device_.upload(Values{3, 4}, x);
  repeat(1, add);
  EXPECT_EQ(values(out), Values({26, 48}));
  EXPECT_EQ(device_.repeated, 2);
}

TEST_F(RecordingDeviceTest, KeepsTheOrderIfASequenceReadsValues) {
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  Values read;
  const auto operations = [&] {
    device_.copy(x, out);
    read = values(out);
    device_.add(out, x, out);
  };
  repeat(2, operations);
  EXPECT_EQ(read, Values({1, 2}));
  EXPECT_EQ(values(out), Values({2, 4}));
  EXPECT_EQ(device_.computed + device_.recorded + device_.repeated, 0) << "it is not repeated";
}

TEST_F(RecordingDeviceTest, DropsASequenceThatFails) {
  const Tensor x = tensor({1, 2});
  const Tensor out = tensor({0, 0});
  EXPECT_THROW(device_.sequence([&] {
    device_.copy(x, out);
    throw std::runtime_error("as the test wants it");
  }),
               std::runtime_error);
  repeat(1, [&] { device_.add(x, x, x); });
  EXPECT_EQ(values(x), Values({2, 4}));
  EXPECT_EQ(values(out), Values({0, 0}));
}

}  // namespace
}  // namespace streamdiffusion
