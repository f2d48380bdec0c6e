#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/clocked_pipeline.h"
#include "pipeline/fakes.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;
using fakes::DelayProcessor;
using fakes::kNeverStop;
using fakes::MemorySink;
using fakes::MemorySource;

const PipelineOptions kLive{.live = true};

/// Runs a live pipeline with a clock that the test moves.
class PipelineLive : public testing::Test {
 protected:
  PipelineStatistics run(Source& source, FrameProcessor& processor, const PipelineOptions& options = kLive,
                         const std::atomic<bool>& stop = kNeverStop) {
    return run_pipeline(source, processor, sink_, options, stop, {}, clock_);
  }

  /// Moves the clock by `interval` with each frame shown, so that the next one is due.
  void move_with_sink(std::chrono::microseconds interval) {
    sink_.before_write = [this, interval](const Frame&) { clock_.move(interval); };
  }
  /// Makes each frame be read when it is due and the previous frame buffer has been shown. Calls `late`
  /// before.
  void move_with_source(MemorySource& source, std::function<void(int)> late, int frame_buffer = 1) {
    source.before_read = [this, &source, late = std::move(late), frame_buffer](int number) {
      EXPECT_TRUE(sink_.written.wait_for(number / frame_buffer * frame_buffer));
      late(number);
      const std::chrono::duration<double> due(number / source.info().frame_rate);
      clock_.move_to(start_ + std::chrono::duration_cast<MonotonicClock::Duration>(due));
    };
  }
  /// Moves the clock so that the stream steps the last frame again `times` times.
  void let_step_again(int times) {
    for (int i = 0; i < times; ++i) {
      clock_.move_to(clock_.next_deadline());
    }
    EXPECT_GT(clock_.next_deadline(),
              clock_.now());  // The stream waits for a later time, so all steps are done.
  }

  ManualClock clock_;
  const MonotonicClock::TimePoint start_ = clock_.now();
  MemorySink sink_;
};

TEST_F(PipelineLive, TheNewestFrameWinsAndOlderOnesAreCounted) {
  constexpr int kFrames = 100;
  MemorySource source(kFrames, 8, 8, 1000);
  fakes::Counter all_read;
  source.before_read = [&](int number) {
    clock_.move(1ms);
    number == kFrames ? all_read.add() : void();
  };
  DelayProcessor processor(8);
  processor.before_step = [&](const Frame&) { EXPECT_TRUE(all_read.wait_for(1)); };
  const PipelineStatistics statistics = run(source, processor);
  EXPECT_EQ(statistics.frames_in, kFrames);
  EXPECT_GE(statistics.dropped, kFrames - 4) << "one is stepped, and three places hold a frame each";
  EXPECT_EQ(statistics.frames_in, statistics.frames_out + statistics.dropped - statistics.reused);
  EXPECT_TRUE(std::is_sorted(sink_.numbers.begin(), sink_.numbers.end()));
  EXPECT_EQ(sink_.numbers.back(), kFrames - 1);
  EXPECT_TRUE(sink_.finished);
}

TEST_F(PipelineLive, AFileIsReadAtThePaceItPlays) {
  MemorySource source(11, 8, 8, 100);
  source.before_read = [&](int number) { EXPECT_GE(clock_.now() - start_, (number - 1) * 10ms); };
  DelayProcessor processor(8);
  move_with_sink(10ms);
  const PipelineStatistics statistics = run(source, processor);
  EXPECT_EQ(statistics.frames_out, 11);
  EXPECT_DOUBLE_EQ(statistics.elapsed_seconds, 0.11) << "the clock moves with the last frame too";
}

TEST_F(PipelineLive, WhereNoFrameComesTheLastIsSteppedAgainNoFasterThanTheSource) {
  MemorySource source(4, 8, 8, 100);
  move_with_source(source, [&](int number) {
    if (number == 3) {
      EXPECT_EQ(clock_.next_deadline() - start_, 35ms) << "one and a half intervals after the last frame";
      let_step_again(5);
      EXPECT_EQ(clock_.next_deadline() - start_, 85ms) << "and an interval after each step";
    }
  });
  DelayProcessor processor(8);
  const PipelineStatistics statistics = run(source, processor);
  EXPECT_EQ(statistics.reused, 5);
  EXPECT_EQ(sink_.numbers, (std::vector<std::int64_t>{0, 1, 2, 2, 2, 2, 2, 2, 3}));
  const std::vector<std::chrono::microseconds> times = {0ms, 10ms, 20ms, 35ms, 45ms, 55ms, 65ms, 75ms, 30ms};
  EXPECT_EQ(sink_.times, times) << "a frame stepped again has the time of that moment";
}

TEST_F(PipelineLive, AFrameThatIsALittleLateIsWaitedFor) {
  MemorySource source(3, 8, 8, 5);
  move_with_source(source, [&](int number) { number == 1 ? clock_.move_to(start_ + 299ms) : void(); });
  DelayProcessor processor(8);
  EXPECT_EQ(run(source, processor).reused, 0);
  EXPECT_EQ(sink_.numbers.size(), 3U);
}

TEST_F(PipelineLive, FramesSteppedAgainGoThroughTheFilterToo) {
  MemorySource source(2, 8, 8, 100);
  move_with_source(source, [&](int number) { number == 1 ? let_step_again(3) : void(); });
  DelayProcessor processor(8);
  std::int64_t last = -1;
  processor.skip = [&](const Frame& frame) { return std::exchange(last, frame.number) == frame.number; };
  const PipelineStatistics statistics = run(source, processor);
  EXPECT_EQ(statistics.reused, 3);
  EXPECT_EQ(statistics.skipped, 3);
  EXPECT_EQ(statistics.frames_out, 2 + 3);
}

TEST_F(PipelineLive, WhatIsInFlightComesOutAtTheEnd) {
  MemorySource source(10, 8, 8, 200);
  source.before_read = [&](int) { clock_.move(5ms); };
  DelayProcessor processor(8, 3);
  run(source, processor);
  EXPECT_EQ(sink_.numbers.back(), 9);
}

TEST_F(PipelineLive, AHalfFullFrameBufferIsFilledUpWithTheLastFrame) {
  MemorySource source(5, 8, 8, 100);
  DelayProcessor processor(8, 0, 2);
  // Once the stream waits for one and a half intervals after a frame, the frame is in the buffer.
  const auto late = [&](int number) {
    number == 1 ? clock_.await_deadline(start_ + 15ms) : void();
    number == 3 ? clock_.await_deadline(start_ + 35ms) : void();
    number == 3 ? let_step_again(1) : void();
    number == 4 ? clock_.await_deadline(start_ + 35ms + 15ms) : void();
    // At the end of the source the clock moves to 50 ms, when frame 3 would be stepped alone.
    EXPECT_TRUE(number < 5 || sink_.written.wait_for(6));
  };
  move_with_source(source, late, 2);
  const PipelineStatistics statistics = run(source, processor);
  EXPECT_EQ(statistics.reused, 1);
  EXPECT_EQ(sink_.numbers, (std::vector<std::int64_t>{0, 1, 2, 2, 3, 4}));
}

TEST_F(PipelineLive, SettingsChangeOnTheStreamsThreadBetweenTwoSteps) {
  MemorySource source(6, 8, 8, 100);
  DelayProcessor processor(8);
  std::thread::id stream_thread;
  int steps = 0;
  int calls = 0;
  processor.before_step = [&](const Frame&) {
    ++steps;
    stream_thread = std::this_thread::get_id();
    EXPECT_EQ(calls, steps);
  };
  PipelineOptions options = kLive;
  options.before_step = [&] {
    EXPECT_EQ(++calls, steps + 1);
    if (steps > 0) {
      EXPECT_EQ(stream_thread, std::this_thread::get_id());
    }
  };
  move_with_sink(10ms);
  run(source, processor, options);
  EXPECT_EQ(steps, 6);
  EXPECT_EQ(calls, steps);
}

TEST_F(PipelineLive, AChangeThatFailsStopsAll) {
  MemorySource source(1000, 8, 8, 100);
  DelayProcessor processor(8);
  PipelineOptions options = kLive;
  options.before_step = [] { throw Error("no such prompt"); };
  EXPECT_THROW(run(source, processor, options), Error);
  EXPECT_FALSE(sink_.finished);
}

TEST_F(PipelineLive, AStopEndsAlsoASourceThatPlaysOn) {
  MemorySource source(100000, 8, 8, 100);
  DelayProcessor processor(8, 1);
  std::atomic<bool> stop{false};
  processor.before_step = [&](const Frame&) { clock_.move(10ms); };
  sink_.before_write = [&](const Frame& frame) { stop = frame.number >= 3; };
  const PipelineStatistics statistics = run(source, processor, kLive, stop);
  EXPECT_TRUE(sink_.finished);
  EXPECT_LT(statistics.frames_in, 100000);
}

}  // namespace
}  // namespace streamdiffusion
