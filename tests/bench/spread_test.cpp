#include "bench/spread.h"

#include <gtest/gtest.h>

namespace streamdiffusion::bench {
namespace {

TEST(Spread, IsTheMedianWithTheQuartiles) {
  const Spread spread = spread_of({5, 1, 4, 2, 3});
  EXPECT_DOUBLE_EQ(spread.median, 3);
  EXPECT_DOUBLE_EQ(spread.low, 2);
  EXPECT_DOUBLE_EQ(spread.high, 4);
  EXPECT_EQ(spread.runs, 5);
}

TEST(Spread, LiesBetweenTheMiddleOnesOfAnEvenNumber) {
  const Spread spread = spread_of({1, 2, 10, 20});
  EXPECT_DOUBLE_EQ(spread.median, 6);
}

TEST(Spread, OfOneRunIsThatRun) {
  const Spread spread = spread_of({7});
  EXPECT_DOUBLE_EQ(spread.median, 7);
  EXPECT_DOUBLE_EQ(spread.low, 7);
  EXPECT_DOUBLE_EQ(spread.high, 7);
}

}  // namespace
}  // namespace streamdiffusion::bench
