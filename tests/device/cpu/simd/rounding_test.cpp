#include "device/cpu/simd/rounding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

#include "device/reference.h"

namespace streamdiffusion::cpu {
namespace {

/// A tensor's values in float32 or bf16.
class Values {
 public:
  Values(const std::vector<float>& values, DType type)
      : type_(type), floats_(values), halves_(values.size()) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      set(halves_[i], values[i]);
    }
  }
  [[nodiscard]] Elements elements() {
    return type_ == DType::bf16 ? Elements{halves_.data(), type_} : Elements{floats_.data(), type_};
  }

 private:
  DType type_;
  std::vector<float> floats_;
  std::vector<Bf16> halves_;
};

ValueRange range_of(const std::vector<float>& values, DType type) {
  const auto count = static_cast<std::int64_t>(values.size());
  return value_range(Values(values, type).elements(), count, 1, count);
}

TEST(ValueRange, CoversZeroAndAllValues) {
  for (const DType type : {DType::f32, DType::bf16}) {
    for (std::int64_t count = 1; count < 70; ++count) {
      const std::vector<float> values = reference::random_bf16(count, static_cast<unsigned>(count));
      const ValueRange range = range_of(values, type);
      EXPECT_EQ(range.low, std::min(0.0F, std::ranges::min(values))) << count;
      EXPECT_EQ(range.high, std::max(0.0F, std::ranges::max(values))) << count;
    }
  }
}

TEST(ValueRange, LeavesOutWhatLiesBetweenPixels) {
  for (const DType type : {DType::f32, DType::bf16}) {
    Values values({1, -2, 90, 3, -4, -90}, type);
    const ValueRange range = value_range(values.elements(), 3, 2, 2);
    EXPECT_EQ(range.low, -4);
    EXPECT_EQ(range.high, 3);
  }
}

TEST(ValueRange, HasAnEndThatIsNaNIfAnyValueIs) {
  constexpr std::size_t kCount = 100;
  for (const DType type : {DType::f32, DType::bf16}) {
    for (std::size_t place = 0; place < kCount; ++place) {
      for (const float sign : {1.0F, -1.0F}) {
        std::vector<float> values(kCount, 3.0F);
        values[place] = std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
        values[kCount / 2] = place == kCount / 2 ? values[place] : std::numeric_limits<float>::infinity();
        const ValueRange range = range_of(values, type);
        EXPECT_TRUE(std::isnan(range.low) || std::isnan(range.high)) << place;
        EXPECT_TRUE(std::isnan(quantization_of(range).scale)) << place;
      }
    }
  }
}

TEST(ValueRange, StaysNaNWhenItIsJoinedWithAnother) {
  const ValueRange nan = range_of({std::numeric_limits<float>::quiet_NaN()}, DType::f32);
  const ValueRange numbers{-1, 2};
  for (const ValueRange& joined : {join(nan, numbers), join(numbers, nan)}) {
    EXPECT_EQ(joined.low, -1);
    EXPECT_TRUE(std::isnan(joined.high));
  }
}

/// Two pixels of `channels` channels between one pixel of padding on each side, rounded to bf16.
std::vector<float> rounded_line(const std::vector<float>& values, DType type, std::int64_t channels,
                                const Features& features) {
  Values source(values, type);
  const std::int64_t padded = (channels + 1) / 2 * 2;  // Whole units.
  std::vector<std::uint16_t> out(static_cast<std::size_t>(4 * padded), 0x4242);
  round_line({.x = source.elements(),
              .x_stride = channels,
              .channels = channels,
              .width = 2,
              .left = 1,
              .pixels = 4,
              .out = reinterpret_cast<std::uint8_t*>(out.data())},
             Format::bf16, {}, features);
  std::vector<float> floats;
  for (const std::uint16_t bits : out) {
    floats.push_back(to_float(Bf16{bits}));
  }
  return floats;
}

TEST(RoundLine, RoundsToBfloat16WithAndWithoutTheProcessorsInstruction) {
  for (const DType type : {DType::f32, DType::bf16}) {
    for (const std::int64_t channels : {1, 16, 33}) {
      const std::vector<float> values = reference::random_values(2 * channels, 1);
      const std::int64_t padded = (channels + 1) / 2 * 2;
      std::vector<float> expected(static_cast<std::size_t>(4 * padded));
      for (std::int64_t i = 0; i < 2 * channels; ++i) {
        expected[static_cast<std::size_t>((1 + i / channels) * padded + i % channels)] =
            reference::to_bf16(values[static_cast<std::size_t>(i)]);
      }
      for (const Features& features : reference::all_features()) {
        EXPECT_EQ(rounded_line(values, type, channels, features), expected) << channels;
      }
    }
  }
}

TEST(RoundLine, RefusesInt16) {
  float value = 1;
  std::uint32_t out = 0;
  const ReducedLine line{.x = {&value, DType::f32},
                         .x_stride = 1,
                         .channels = 1,
                         .width = 1,
                         .pixels = 1,
                         .out = reinterpret_cast<std::uint8_t*>(&out)};
  EXPECT_THROW(round_line(line, Format::int16, {}, {}), std::logic_error);
}

}  // namespace
}  // namespace streamdiffusion::cpu
