#include "posix/child.h"

#include <gtest/gtest.h>

#include "streamdiffusion/error.h"

namespace streamdiffusion::posix {
namespace {

TEST(Child, IsMeasuredToItsFirstOutputAndToItsEnd) {
  const ChildRun run = run_child("/bin/sh", {"-c", "echo first; sleep 0.2; exit 3"});
  EXPECT_EQ(run.status, 3);
  EXPECT_GT(run.seconds_to_output, 0);
  EXPECT_LT(run.seconds_to_output, run.seconds);
  EXPECT_GE(run.seconds, 0.2);
  EXPECT_GT(run.peak_resident, 100'000U);
}

TEST(Child, ThatASignalEndsSaysWhich) { EXPECT_EQ(run_child("/bin/sh", {"-c", "kill -9 $$"}).status, -9); }

TEST(Child, ThatIsNotThereIsAnError) { EXPECT_THROW(run_child("/nowhere/at/all", {}), Error); }

}  // namespace
}  // namespace streamdiffusion::posix
