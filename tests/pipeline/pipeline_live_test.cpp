#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/fakes.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;
using fakes::DelayProcessor;
using fakes::MemorySink;
using fakes::MemorySource;

const std::atomic<bool> kNeverStop{false};
const PipelineOptions kLive{.live = true};

TEST(PipelineLive, TheNewestFrameWinsAndOlderOnesAreCounted) {
  MemorySource source(100, 8, 8, 1000);
  DelayProcessor processor(8);
  processor.before_step = [](const Frame&) { std::this_thread::sleep_for(10ms); };
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_EQ(statistics.frames_in, 100);
  EXPECT_GT(statistics.dropped, 50);
  EXPECT_EQ(statistics.frames_in, statistics.frames_out + statistics.dropped - statistics.reused);
  EXPECT_TRUE(std::is_sorted(sink.numbers.begin(), sink.numbers.end()));
  EXPECT_EQ(sink.numbers.back(), 99);
  EXPECT_TRUE(sink.finished);
}

TEST(PipelineLive, AFileIsReadAtThePaceItPlays) {
  MemorySource source(11, 8, 8, 100);
  DelayProcessor processor(8);
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_GE(statistics.elapsed_seconds, 0.1);
  EXPECT_EQ(sink.numbers.back(), 10);
}

TEST(PipelineLive, WhereNoFrameComesTheLastIsSteppedAgainNoFasterThanTheSource) {
  MemorySource source(4, 8, 8, 100);
  source.before_read = [](int number) {
    if (number == 3) {
      std::this_thread::sleep_for(200ms);
    }
  };
  DelayProcessor processor(8);
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_GE(statistics.reused, 5);
  EXPECT_LE(statistics.reused, 22);
  EXPECT_EQ(std::count(processor.stepped.begin(), processor.stepped.end(), 2), 1 + statistics.reused);
  EXPECT_EQ(sink.numbers.back(), 3);
  const std::size_t last_again = sink.numbers.size() - 2;
  EXPECT_EQ(sink.numbers[last_again], 2);
  EXPECT_GT(sink.times[last_again], 60ms) << "a frame stepped again has the time of that moment";
}

TEST(PipelineLive, AFrameThatIsALittleLateIsWaitedFor) {
  MemorySource source(3, 8, 8, 5);
  source.before_read = [](int number) { number == 1 ? std::this_thread::sleep_for(230ms) : void(); };
  DelayProcessor processor(8);
  MemorySink sink;
  EXPECT_EQ(run_pipeline(source, processor, sink, kLive, kNeverStop).reused, 0);
  EXPECT_EQ(sink.numbers.size(), 3U);
}

TEST(PipelineLive, FramesSteppedAgainGoThroughTheFilterToo) {
  MemorySource source(2, 8, 8, 100);
  source.before_read = [](int number) { number == 1 ? std::this_thread::sleep_for(100ms) : void(); };
  DelayProcessor processor(8);
  std::int64_t last = -1;
  processor.skip = [&](const Frame& frame) { return std::exchange(last, frame.number) == frame.number; };
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_GT(statistics.reused, 0);
  EXPECT_EQ(statistics.skipped, statistics.reused);
  EXPECT_EQ(statistics.frames_out, 2 + statistics.reused);
}

TEST(PipelineLive, WhatIsInFlightComesOutAtTheEnd) {
  MemorySource source(10, 8, 8, 200);
  DelayProcessor processor(8, 3);
  MemorySink sink;
  run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_EQ(sink.numbers.back(), 9);
}

TEST(PipelineLive, AHalfFullFrameBufferIsFilledUpWithTheLastFrame) {
  MemorySource source(5, 8, 8, 100);
  source.before_read = [](int number) { number == 3 ? std::this_thread::sleep_for(100ms) : void(); };
  DelayProcessor processor(8, 0, 2);
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, kNeverStop);
  EXPECT_GT(statistics.reused, 0);
  EXPECT_GE(std::count(sink.numbers.begin(), sink.numbers.end(), 2), 2);
  EXPECT_EQ(sink.numbers.back(), 4);
}

TEST(PipelineLive, SettingsChangeOnTheStreamsThreadBetweenTwoSteps) {
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
  MemorySink sink;
  run_pipeline(source, processor, sink, options, kNeverStop);
  EXPECT_GE(steps, 6);
  EXPECT_EQ(calls, steps);
}

TEST(PipelineLive, AChangeThatFailsStopsAll) {
  MemorySource source(1000, 8, 8, 100);
  DelayProcessor processor(8);
  PipelineOptions options = kLive;
  options.before_step = [] { throw Error("no such prompt"); };
  MemorySink sink;
  EXPECT_THROW(run_pipeline(source, processor, sink, options, kNeverStop), Error);
  EXPECT_FALSE(sink.finished);
}

TEST(PipelineLive, AStopEndsAlsoASourceThatPlaysOn) {
  MemorySource source(100000, 8, 8, 100);
  DelayProcessor processor(8, 1);
  MemorySink sink;
  std::atomic<bool> stop{false};
  sink.before_write = [&](const Frame& frame) { stop = frame.number >= 3; };
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, kLive, stop);
  EXPECT_TRUE(sink.finished);
  EXPECT_LT(statistics.elapsed_seconds, 5);
}

}  // namespace
}  // namespace streamdiffusion
