#include "core/index_range.h"

#include <gtest/gtest.h>

namespace streamdiffusion {
namespace {

TEST(IndexRange, FollowsThePreviousOneFromZeroToTheCount) {
  for (const std::int64_t count : {0, 1, 5, 96, 97}) {
    for (const std::int64_t ranges : {1, 2, 7, 96}) {
      std::int64_t next = 0;
      for (std::int64_t i = 0; i < ranges; ++i) {
        EXPECT_EQ(index_range(count, ranges, i).first, next);
        next = index_range(count, ranges, i).last;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(IndexRange, IsAtMostOneIndexLongerThanAnother) {
  for (std::int64_t i = 0; i < 7; ++i) {
    EXPECT_GE(index_range(96, 7, i).size(), 13);
    EXPECT_LE(index_range(96, 7, i).size(), 14);
  }
}

TEST(IndexRange, IsEmptyForSomeWhereThereAreMoreRangesThanIndices) {
  EXPECT_EQ(index_range(1, 2, 0).size(), 0);
  EXPECT_EQ(index_range(1, 2, 1).size(), 1);
}

}  // namespace
}  // namespace streamdiffusion
