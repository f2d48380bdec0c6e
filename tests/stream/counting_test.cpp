#include <gtest/gtest.h>

#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

/// The floating-point operations of one step of a full batch.
double operations_of_a_step(const Parameters& parameters) {
  Stream stream(load_tiny_model({.device = "counting"}), make_options(), parameters);
  step_frames(stream, 0, 4);
  const double before = stream.statistics().operations;
  step_frames(stream, 4, 1);
  return stream.statistics().operations - before;
}

TEST(Counting, GrowsByTheSameForEachDenoisingStep) {
  const double one = operations_of_a_step(make_parameters({22}));
  const double two = operations_of_a_step(make_parameters({22, 32}));
  const double three = operations_of_a_step(make_parameters({22, 32, 45}));
  EXPECT_GT(two, one);
  EXPECT_DOUBLE_EQ(three - two, two - one);
}

TEST(Counting, TakesFullGuidanceForTwiceTheRows) {
  Parameters guided = make_parameters({22, 32});
  guided.cfg_type = CfgType::full;
  guided.guidance_scale = 1.5F;
  EXPECT_DOUBLE_EQ(operations_of_a_step(guided), operations_of_a_step(make_parameters({10, 22, 32, 45})));
}

TEST(Counting, IsLeftToTheDeviceThatCounts) {
  Stream stream(load_tiny_model(), make_options(), make_parameters());
  step_frames(stream, 0, 2);
  EXPECT_EQ(stream.statistics().operations, 0);
}

}  // namespace
}  // namespace streamdiffusion
