#include "device/cpu/threads/task_size.h"

#include <gtest/gtest.h>

namespace streamdiffusion::cpu {

namespace {

TEST(TaskCount, GrowsWithTheWork) {
  EXPECT_EQ(task_count(Work::multiplications, 399'999, 16), 1);
  EXPECT_EQ(task_count(Work::multiplications, 400'000, 16), 2);
  EXPECT_EQ(task_count(Work::elements, 400'000, 100), 33);
}

TEST(TaskCount, IsAtLeastOneAndAtMostTheLimit) {
  EXPECT_EQ(task_count(Work::elements, 0, 16), 1);
  EXPECT_EQ(task_count(Work::elements, 1'000'000'000, 16), 16);
}

TEST(TaskCount, IsZeroIfThereIsNothingToDivide) { EXPECT_EQ(task_count(Work::elements, 100, 0), 0); }

}  // namespace

}  // namespace streamdiffusion::cpu
