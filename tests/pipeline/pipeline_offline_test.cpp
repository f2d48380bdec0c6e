#include <gtest/gtest.h>

#include <barrier>
#include <numeric>

#include "pipeline/clocked_pipeline.h"
#include "pipeline/fakes.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;
using fakes::DelayProcessor;
using fakes::kNeverStop;
using fakes::MemorySink;
using fakes::MemorySource;

std::vector<std::int64_t> counted(int n) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(n));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

class EveryDelayAndBuffer : public testing::TestWithParam<std::tuple<int, int, int>> {};

TEST_P(EveryDelayAndBuffer, AsManyFramesComeOutAsWentInEachInItsPlace) {
  const auto [frames, delay, buffer] = GetParam();
  MemorySource source(frames, 8, 8);
  DelayProcessor processor(8, delay, buffer);
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.numbers, counted(frames));
  EXPECT_EQ(sink.colours, std::vector<int>(sink.numbers.begin(), sink.numbers.end()));
  EXPECT_TRUE(sink.finished);
  EXPECT_EQ(statistics.frames_in, frames);
  EXPECT_EQ(statistics.frames_out, frames);
  EXPECT_EQ(statistics.dropped, 0);
  EXPECT_EQ(statistics.reused, 0);
}

INSTANTIATE_TEST_SUITE_P(Pipeline, EveryDelayAndBuffer,
                         testing::Combine(testing::Values(0, 1, 7, 30), testing::Values(0, 1, 3),
                                          testing::Values(1, 2, 4, 9)));

TEST(PipelineOffline, SkippedInputsShowTheResultBeforeUnderTheirOwnNumberAndTime) {
  MemorySource source(12, 8, 8);
  DelayProcessor processor(8, 2);
  processor.skip = [](const Frame& frame) { return frame.number % 4 == 3; };
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.numbers, counted(12));
  EXPECT_EQ(sink.colours, (std::vector<int>{0, 1, 2, 2, 4, 5, 6, 6, 8, 9, 10, 10}));
  EXPECT_EQ(sink.times[7], 280ms);
  EXPECT_EQ(statistics.skipped, 3);
}

TEST(PipelineOffline, ASkippedFrameBufferShowsTheLastFrameOfTheResultBefore) {
  MemorySource source(7, 8, 8);
  DelayProcessor processor(8, 0, 2);
  processor.skip = [](const Frame& frame) { return frame.number == 2 || frame.number == 6; };
  MemorySink sink;
  const PipelineStatistics statistics = run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.colours, (std::vector<int>{0, 1, 1, 1, 4, 5, 5}));
  EXPECT_EQ(statistics.skipped, 3);
}

TEST(PipelineOffline, FramesAreFittedToTheStreamAndKeepNumberAndTime) {
  MemorySource source(5, 24, 16);
  DelayProcessor processor(8);
  processor.before_step = [](const Frame& frame) {
    EXPECT_EQ(frame.width, 8);
    EXPECT_EQ(frame.height, 8);
    EXPECT_EQ(frame.pixels.size(), 8U * 8U * 3U);
  };
  MemorySink sink;
  run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.numbers, counted(5));
  EXPECT_EQ(sink.times[4], 160ms);
}

TEST(PipelineOffline, ASlowSinkLosesNothing) {
  MemorySource source(40, 8, 8);
  DelayProcessor processor(8);
  MemorySink sink;
  ManualClock clock;
  sink.before_write = [&](const Frame&) { clock.move(1ms); };
  const PipelineStatistics statistics =
      run_pipeline(source, processor, sink, {.queue_capacity = 1}, kNeverStop, {}, clock);
  EXPECT_EQ(sink.numbers, counted(40));
  EXPECT_DOUBLE_EQ(statistics.sink_seconds, 0.04);
  EXPECT_DOUBLE_EQ(statistics.elapsed_seconds, 0.04);
  EXPECT_GT(statistics.fps, 0);
}

TEST(PipelineOffline, TheStagesWorkAtTheSameTime) {
  // Source, stream and sink wait for each other while they are at different frames, which would hang if they
  // ran in turn.
  constexpr int kFrames = 20;
  std::barrier meeting(3);
  MemorySource source(kFrames, 8, 8);
  source.before_read = [&](int number) { number >= 2 ? meeting.arrive_and_wait() : void(); };
  DelayProcessor processor(8);
  processor.before_step = [&](const Frame& frame) { frame.number >= 1 ? meeting.arrive_and_wait() : void(); };
  MemorySink sink;
  sink.before_write = [&](const Frame& frame) {
    frame.number < kFrames - 1 ? meeting.arrive_and_wait() : void();
  };
  run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.numbers, counted(kFrames));
}

TEST(PipelineOffline, AStopFinishesWhatIsInFlightAndTheSink) {
  MemorySource source(100000, 8, 8);
  DelayProcessor processor(8, 3);
  MemorySink sink;
  std::atomic<bool> stop{false};
  fakes::Counter looks_after_stop;
  sink.before_write = [&](const Frame& frame) {
    stop = frame.number >= 5;
    EXPECT_TRUE(!stop || looks_after_stop.wait_for(2)) << "the second look has seen it for certain";
  };
  const PipelineStatistics statistics =
      run_pipeline(source, processor, sink, {}, stop,
                   [&](const PipelineStatistics&) { stop ? looks_after_stop.add() : void(); });
  EXPECT_TRUE(sink.finished);
  EXPECT_LT(sink.numbers.size(), 50U);
  EXPECT_EQ(sink.last_duration, std::nullopt) << "its last frame is not the source's";
  EXPECT_EQ(sink.numbers, counted(static_cast<int>(processor.stepped.size())));
  EXPECT_EQ(statistics.frames_in, statistics.frames_out + statistics.dropped);
}

TEST(PipelineOffline, TellsTheSinkHowLongTheSourcesLastFrameIsShown) {
  MemorySource source(3, 8, 8);
  DelayProcessor processor(8);
  MemorySink sink;
  run_pipeline(source, processor, sink, {}, kNeverStop);
  EXPECT_EQ(sink.last_duration, MemorySource::kLastDuration);
}

TEST(PipelineOffline, ProgressIsToldOnTheCallingThread) {
  MemorySource source(30, 8, 8);
  fakes::Counter told;
  source.before_read = [&](int number) { EXPECT_TRUE(told.wait_for(number / 10)); };
  DelayProcessor processor(8);
  MemorySink sink;
  std::vector<std::int64_t> frames_out;
  const auto caller = std::this_thread::get_id();
  run_pipeline(source, processor, sink, {}, kNeverStop, [&](const PipelineStatistics& statistics) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    frames_out.push_back(statistics.frames_out);
    told.add();
  });
  EXPECT_GE(frames_out.size(), 3U);
  EXPECT_TRUE(std::is_sorted(frames_out.begin(), frames_out.end()));
  EXPECT_EQ(frames_out.back(), 30);
}

enum class Stage { source, processor, drain, write, finish, progress };

class FailingSink : public MemorySink {
 public:
  void finish() override { throw Error("finish"); }
};

class FailingDrain : public DelayProcessor {
 public:
  using DelayProcessor::DelayProcessor;
  void drain(std::vector<Frame>&) override { throw Error("drain"); }
};

class ErrorOfAStage : public testing::TestWithParam<Stage> {};

TEST_P(ErrorOfAStage, StopsAllAndIsThrownToTheCaller) {
  MemorySource source(GetParam() == Stage::progress ? 1000000 : 50, 8, 8);
  DelayProcessor good_processor(8, 1);
  FailingDrain failing_drain(8, 1);
  MemorySink good_sink;
  FailingSink failing_sink;
  DelayProcessor& processor = GetParam() == Stage::drain ? failing_drain : good_processor;
  MemorySink& sink = GetParam() == Stage::finish ? failing_sink : good_sink;
  std::string expected;
  std::function<void(const PipelineStatistics&)> on_progress;
  switch (GetParam()) {
    case Stage::source:
      expected = "read";
      source.before_read = [](int number) { number == 20 ? throw Error("read") : void(); };
      break;
    case Stage::processor:
      expected = "step";
      processor.before_step = [](const Frame& frame) { frame.number == 20 ? throw Error("step") : void(); };
      break;
    case Stage::drain:
      expected = "drain";
      break;
    case Stage::write:
      expected = "write";
      sink.before_write = [](const Frame& frame) { frame.number == 20 ? throw Error("write") : void(); };
      break;
    case Stage::finish:
      expected = "finish";
      break;
    case Stage::progress:
      expected = "progress";
      on_progress = [](const PipelineStatistics&) { throw Error("progress"); };
      break;
  }
  try {
    run_pipeline(source, processor, sink, {}, kNeverStop, on_progress);
    FAIL() << "nothing thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), expected);
  }
  EXPECT_FALSE(sink.finished);
}

INSTANTIATE_TEST_SUITE_P(Pipeline, ErrorOfAStage,
                         testing::Values(Stage::source, Stage::processor, Stage::drain, Stage::write,
                                         Stage::finish, Stage::progress));

TEST(PipelineOffline, AProcessorWithoutSizeIsRefused) {
  MemorySource source(1, 8, 8);
  DelayProcessor processor(0);
  MemorySink sink;
  EXPECT_THROW(run_pipeline(source, processor, sink, {}, kNeverStop), Error);
}

}  // namespace
}  // namespace streamdiffusion
