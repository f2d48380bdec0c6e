// Counts the allocations of a step.

#include <gtest/gtest.h>

#include <memory>

#include "host_allocations.h"
#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace streamdiffusion {
namespace {

using namespace tests;

/// The number of allocations in the calling thread during ten steps, after the first few.
std::size_t allocations_of_steps(const Parameters& parameters, const StreamOptions& options) {
  Stream stream(tests::load_tiny_model(), options, parameters);
  FrameStream frames(stream);
  std::vector<Frame> out;
  const auto count = static_cast<std::size_t>(options.frame_buffer_size);
  const std::vector<Frame> in(count, make_frame(1));
  const std::vector<Frame> moved(count, make_frame(2));
  for (int i = 0; i < 6; ++i) {
    frames.step(in, out);
  }
  const std::size_t before = host_allocations();
  for (int i = 0; i < 5; ++i) {
    frames.step(in, out);
    frames.step(moved, out);
  }
  return host_allocations() - before;
}

TEST(StreamAllocation, TheCounterCounts) {
  const std::size_t before = host_allocations();
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(host_allocations(), before + static_cast<std::size_t>(*memory));
}

TEST(StreamAllocation, AStepAllocatesNothingAfterTheFirstFrames) {
  for (const CfgType type : {CfgType::none, CfgType::full, CfgType::self, CfgType::initialize}) {
    Parameters parameters = make_parameters();
    parameters.cfg_type = type;
    parameters.guidance_scale = 1.5F;
    EXPECT_EQ(allocations_of_steps(parameters, make_options()), 0U) << to_string(type);
  }
  EXPECT_EQ(allocations_of_steps(make_parameters(), make_options(2)), 0U) << "frame buffer";
  EXPECT_EQ(allocations_of_steps(make_parameters(), make_options(1, false)), 0U) << "sequential";
  Parameters parameters = make_parameters();
  parameters.cross_frame_attention = true;
  EXPECT_EQ(allocations_of_steps(parameters, make_options()), 0U) << "cross-frame attention";
  parameters.similarity_filter.enabled = true;
  EXPECT_EQ(allocations_of_steps(parameters, make_options()), 0U) << "similarity filter";
}

}  // namespace
}  // namespace streamdiffusion
