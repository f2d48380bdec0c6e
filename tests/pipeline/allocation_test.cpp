// Checks that the pipeline allocates nothing once it runs.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>

#include "host_allocations.h"
#include "pipeline/fakes.h"

namespace streamdiffusion {
namespace {

/// Returns each frame at once, without allocating.
class Identity : public FrameProcessor {
 public:
  [[nodiscard]] int width() const override { return 64; }
  [[nodiscard]] int height() const override { return 64; }
  [[nodiscard]] int frame_buffer_size() const override { return 2; }
  StepResult step(const std::vector<Frame>& in, std::vector<Frame>& out) override {
    out.resize(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
      out[i].pixels.assign(in[i].pixels.begin(), in[i].pixels.end());
      out[i].width = in[i].width;
      out[i].height = in[i].height;
      out[i].number = in[i].number;
      out[i].time = in[i].time;
    }
    return {.skipped = in[0].number % 8 == 6, .finished = out.size()};
  }
  void drain(std::vector<Frame>& out) override { out.clear(); }
};

/// Counts the allocations between two frames.
class CountingSink : public Sink {
 public:
  void write(const Frame& frame) override {
    if (frame.number == 100) {
      at_start = tests::host_allocations_of_all_threads();
    }
    if (frame.number == 900) {
      at_end = tests::host_allocations_of_all_threads();
    }
  }
  void finish() override {}
  std::size_t at_start = 0;
  std::size_t at_end = 0;
};

TEST(PipelineAllocations, AFrameAllocatesNothingAfterTheFirstOnes) {
  fakes::MemorySource source(1000, 64, 64);
  Identity processor;
  CountingSink sink;
  const std::atomic<bool> stop{false};
  run_pipeline(source, processor, sink, {}, stop);
  EXPECT_GT(sink.at_start, 0U);
  EXPECT_EQ(sink.at_end - sink.at_start, 0U);
}

}  // namespace
}  // namespace streamdiffusion
