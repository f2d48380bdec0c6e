#include "comparison.h"

#include <gtest/gtest.h>

#include <limits>

#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {
namespace {

using Floats = std::vector<float>;
using Integers = std::vector<std::int64_t>;

TEST(Comparison, IsRelativeToTheLargestNumber) {
  const Comparison comparison = compare({{2}, Floats{1, -4.0002F}}, {{2}, Floats{1, -4}}, false, 1e-4);
  EXPECT_NEAR(comparison.error, 5e-5, 1e-7);
  EXPECT_TRUE(comparison.ok());
  EXPECT_FALSE(compare({{2}, Floats{1.001F, -4}}, {{2}, Floats{1, -4}}, false, 1e-4).ok());
}

TEST(Comparison, TakesTheWorstRow) {
  const HostTensor reference{{2, 1}, Floats{1000, 1}};
  const HostTensor ours{{2, 1}, Floats{1000, 1.01F}};
  EXPECT_TRUE(compare(ours, reference, false, 1e-4).ok());
  EXPECT_FALSE(compare(ours, reference, true, 1e-4).ok());
}

TEST(Comparison, WhatIsNotANumberFails) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(compare({{2, 1}, Floats{nan, 1}}, {{2, 1}, Floats{1, 1}}, true, 1e-4).ok());
  EXPECT_FALSE(compare({{2, 1}, Floats{1, nan}}, {{2, 1}, Floats{1, 1}}, true, 1e-4).ok());
}

TEST(Comparison, AgainstZerosOnlyZerosPass) {
  EXPECT_TRUE(compare({{1}, Floats{0}}, {{1}, Floats{0}}, false, 1e-4).ok());
  EXPECT_FALSE(compare({{1}, Floats{1e-9F}}, {{1}, Floats{0}}, false, 1e-4).ok());
}

TEST(Comparison, IntegersAgreeExactly) {
  EXPECT_TRUE(compare({{2}, Integers{1, 2}}, {{2}, Integers{1, 2}}, false, 1e-4).ok());
  EXPECT_FALSE(compare({{2}, Integers{1, 3}}, {{2}, Integers{1, 2}}, false, 1e-4).ok());
}

TEST(Comparison, OtherShapesAndTypesAreErrors) {
  EXPECT_THROW(compare({{2, 1}, Floats{1, 2}}, {{1, 2}, Floats{1, 2}}, false, 1e-4), Error);
  EXPECT_THROW(compare({{1}, Floats{1}}, {{1}, Integers{1}}, false, 1e-4), Error);
}

}  // namespace
}  // namespace streamdiffusion::conformance
