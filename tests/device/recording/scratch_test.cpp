#include "device/recording/scratch.h"

#include <gtest/gtest.h>

namespace streamdiffusion::recording {
namespace {

TEST(ScratchPlan, GivesEachItsAlignedPlace) {
  ScratchPlan plan;
  EXPECT_EQ(plan.add(1), 0U);
  EXPECT_EQ(plan.add(0), 256U);
  EXPECT_EQ(plan.add(257), 256U);
  EXPECT_EQ(plan.bytes(), 768U);
}

}  // namespace
}  // namespace streamdiffusion::recording
