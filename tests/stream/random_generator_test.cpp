#include "streamdiffusion/random_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace streamdiffusion {
namespace {

std::vector<float> draw(RandomGenerator& generator, std::size_t count) {
  std::vector<float> values(count);
  generator.randn(values);
  return values;
}

void expect_near(const std::vector<float>& values, std::size_t from, const std::vector<float>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(values.at(from + i), expected[i], 2e-6F) << "element " << from + i;
  }
}

// The expected values are those of successive calls of torch.randn with seed 2.
TEST(RandomGenerator, DrawsWhatPyTorchDrawsInSuccessiveCallsOfAnyLength) {
  RandomGenerator generator(2);
  expect_near(
      draw(generator, 7), 0,
      {0.39229682F, -0.223564014F, -0.319500268F, -1.20503712F, 1.04446352F, -0.633227706F, 0.573106766F});
  expect_near(draw(generator, 16), 0, {-1.50714386F, -0.458560795F, -0.848000646F, 0.526604354F});
  expect_near(draw(generator, 33), 29, {0.335526258F, 0.188546732F, 2.14323735F, -0.27794072F});
  expect_near(draw(generator, 3), 0, {0.540947437F, -2.62911963F, -0.148864537F});
}

TEST(RandomGenerator, SeedsBeyond32BitsDrawWhatPyTorchDraws) {
  RandomGenerator generator((std::uint64_t{1} << 53U) + 11);
  expect_near(draw(generator, 64), 0, {-0.51079756F, 1.02827179F, -0.35315159F});
}

TEST(RandomGenerator, ManyNumbersHaveMeanZeroAndVarianceOne) {
  RandomGenerator generator(7);
  const std::vector<float> values = draw(generator, 1U << 20U);
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  const auto count = static_cast<double>(values.size());
  EXPECT_NEAR(sum / count, 0, 0.005);
  EXPECT_NEAR(squares / count, 1, 0.01);
}

TEST(RandomGenerator, DrawingNothingDrawsNothing) {
  RandomGenerator drawn(5);
  RandomGenerator fresh(5);
  drawn.randn({});
  EXPECT_EQ(draw(drawn, 4), draw(fresh, 4));
}

}  // namespace
}  // namespace streamdiffusion
