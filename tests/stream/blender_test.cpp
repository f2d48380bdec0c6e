#include "stream/blender.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

using Values = std::vector<float>;

Values blended(Blend how, std::size_t row, const std::vector<std::pair<Values, float>>& parts) {
  Blender blender(how, row);
  for (const auto& [values, weight] : parts) {
    blender.add(values, weight);
  }
  return blender.values();
}

void expect_near(const Values& values, const Values& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], 1e-6) << i;
  }
}

TEST(Blender, LinearIsTheWeightedMean) {
  expect_near(blended(Blend::linear, 2, {{{1, 2}, 1}, {{3, 6}, 3}, {{10, 0}, 4}}),
              {(1 + 9 + 40) / 8.0F, (2 + 18) / 8.0F});
}

TEST(Blender, SlerpKeepsTheLength) {
  const float third = std::sin(std::acos(0.0F) / 3);  // The sine of a third of a right angle.
  const float rest = std::sin(std::acos(0.0F) * 2 / 3);
  expect_near(blended(Blend::slerp, 2, {{{2, 0}, 2}, {{0, 2}, 1}}), {2 * rest, 2 * third});
}

TEST(Blender, SlerpTakesEachRowForItself) {
  const float half = std::sqrt(0.5F);
  expect_near(blended(Blend::slerp, 2, {{{1, 0, 3, 0}, 1}, {{0, 1, 5, 0}, 1}}), {half, half, 4, 0});
}

TEST(Blender, SlerpGoesStraightWhereThereIsNoArc) {
  expect_near(blended(Blend::slerp, 2, {{{1, 0, 0, 0}, 1}, {{-1, 0, 2, 4}, 3}}), {-0.5F, 0, 1.5F, 3});
}

TEST(Blender, AWeightOfZeroIsAsIfItWereNotThere) {
  for (const Blend how : {Blend::linear, Blend::slerp}) {
    expect_near(blended(how, 2, {{{9, 9}, 0}, {{1, 2}, 1}}), {1, 2});
    expect_near(blended(how, 2, {{{1, 2}, 0.3F}, {{9, 8}, 0}}), {1, 2});
  }
}

TEST(Blender, BeginsAgainAfterClear) {
  for (const Blend how : {Blend::linear, Blend::slerp}) {
    Blender blender(how, 2);
    blender.add(Values{9, 9, 9, 9}, 5);
    blender.clear();
    blender.add(Values{1, 2}, 0.5F);
    EXPECT_EQ(blender.values(), (Values{1, 2}));
  }
}

TEST(Blender, RefusesWeightsThatAreNoShares) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Values& weights :
       {Values{}, Values{0, 0}, Values{1, -0.5F}, Values{kNan, 1}, Values{kInfinity}, Values{3e38F, 3e38F}}) {
    expect_error([&] { check_weights(weights, "prompts"); }, {"weights of prompts"});
  }
  EXPECT_NO_THROW(check_weights({0, 0.1F}, "prompts"));
}

}  // namespace
}  // namespace streamdiffusion
