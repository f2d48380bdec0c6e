// Counts what a step allocates: this file replaces the executable's operator new.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "streamdiffusion/stream.h"
#include "tiny_model.h"

namespace {

thread_local std::size_t allocations = 0;

void* counted_or_null(std::size_t bytes) {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}

void* counted(std::size_t bytes) {
  if (void* memory = counted_or_null(bytes)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace streamdiffusion {
namespace {

using testing::make_frame;
using testing::make_options;
using testing::make_parameters;

/// Allocations in the calling thread of ten steps after the first few.
std::size_t allocations_of_steps(const Parameters& parameters, const StreamOptions& options) {
  Stream stream(testing::load_tiny_model(), options, parameters);
  std::vector<Frame> out;
  const auto frames = static_cast<std::size_t>(options.frame_buffer_size);
  const std::vector<Frame> in(frames, make_frame(1));
  const std::vector<Frame> moved(frames, make_frame(2));
  for (int i = 0; i < 6; ++i) {
    stream.step(in, out);
  }
  const std::size_t before = allocations;
  for (int i = 0; i < 5; ++i) {
    stream.step(in, out);
    stream.step(moved, out);
  }
  return allocations - before;
}

TEST(StreamAllocation, TheCounterCounts) {
  const std::size_t before = allocations;
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations, before + static_cast<std::size_t>(*memory));
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
