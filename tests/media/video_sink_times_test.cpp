// Tests of the frame rates and times of videos that are written.

#include <algorithm>
#include <numeric>

#include "media/play_count.h"
#include "support.h"
#include "video_facts.h"

namespace streamdiffusion::tests {
namespace {

TEST(VideoSink, KeepsFrameRatesExactly) {
  const ScratchFolder folder;
  const std::vector<std::pair<double, AVRational>> rates = {{25, {25, 1}},
                                                            {12.5, {25, 2}},
                                                            {30000.0 / 1001, {30000, 1001}},
                                                            {23.976, {24000, 1001}},
                                                            {59.9400599, {60000, 1001}}};
  for (const auto& [rate, exact] : rates) {
    SinkOptions options = sink_options(folder / "a.mp4");
    options.frame_rate = rate;
    write_clip(options, 8);
    const AVRational written = facts_of(options.output).rate;
    EXPECT_EQ(av_cmp_q(written, exact), 0) << rate << " became " << written.num << "/" << written.den;
  }
}

TEST(VideoSink, ShowsFramesAtTheirTimesWhenAsked) {
  const ScratchFolder folder;
  const std::vector<int> milliseconds = {500, 620, 640, 900, 901};
  for (const char* name : {"a.mp4", "a.mkv", "a.webm"}) {
    SinkOptions options = sink_options(folder / name);
    options.variable_frame_rate = true;
    const auto sink = open_sink(options);
    for (const int time : milliseconds) {
      Frame frame = gradient_frame(64, 48);
      frame.time = std::chrono::milliseconds(time);
      sink->write(frame);
    }
    sink->finish();
    const std::vector<Frame> frames = read_all(options.output);
    ASSERT_EQ(frames.size(), milliseconds.size()) << name;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(frames[i].time.count()), (milliseconds[i] - 500) * 1e3, 1e3)
          << name << i;
    }
  }
}

/// Writes 300 frames at 29.97 fps, a gap of 2.034 s and 20 more frames.
void write_with_late_gap(const std::string& file) {
  SinkOptions options = sink_options(file, 32, 32);
  options.frame_rate = 30'000.0 / 1001;
  options.variable_frame_rate = true;
  const auto sink = open_sink(options);
  for (int i = 0; i < 320; ++i) {
    Frame frame = plain_frame(32, 32, {i % 256, 0, 0});
    frame.time = std::chrono::microseconds(std::llround(i * 1001e6 / 30'000) + (i < 300 ? 0 : 2'034'000));
    sink->write(frame);
  }
  sink->finish();
}

TEST(VideoSink, ShowsFramesBehindALateGapAtTheirTimesInEveryContainer) {
  const ScratchFolder folder;
  constexpr double kLast = 319 * 1001.0 / 30'000 + 2.034;
  for (const char* name : {"a.mp4", "a.mov", "a.mkv", "a.webm", "a.flv", "a.ts"}) {
    write_with_late_gap(folder / name);
    const std::vector<Frame> frames = read_all(folder / name);
    ASSERT_EQ(frames.size(), 320U) << name;
    EXPECT_NEAR(static_cast<double>(frames[299].time.count()) / 1e6, 299 * 1001.0 / 30'000, 2e-3) << name;
    EXPECT_NEAR(static_cast<double>(frames[319].time.count()) / 1e6, kLast, 2e-3) << name;
  }
}

TEST(VideoSink, RepeatsFramesOverAGapWhereAContainerHasOneFrameRate) {
  const ScratchFolder folder;
  for (const char* name : {"a.avi", "a.y4m", "a.mpg"}) {
    write_with_late_gap(folder / name);
    const std::vector<Frame> frames = read_all(folder / name);
    EXPECT_EQ(frames.size(), 381U) << name;  // 12.711 s.
    EXPECT_EQ(av_cmp_q(facts_of(folder / name).rate, {30'000, 1001}), 0) << name;
  }
}

TEST(VideoSink, KeepsEvenFramesEvenThoughTheirTimesAreRounded) {
  const ScratchFolder folder;
  for (const char* name : {"a.mp4", "a.mkv", "a.webm", "a.mov", "a.avi", "a.ts"}) {
    SinkOptions options = sink_options(folder / name, 32, 32);
    options.frame_rate = 30'000.0 / 1001;
    options.variable_frame_rate = true;
    const auto sink = open_sink(options);
    for (int i = 0; i < 60; ++i) {
      Frame frame = plain_frame(32, 32, {i * 4, 0, 0});
      frame.time = std::chrono::milliseconds(std::llround(i * 1001.0 / 30));
      sink->write(frame);
    }
    sink->finish();
    EXPECT_EQ(av_cmp_q(facts_of(options.output).rate, {30'000, 1001}), 0) << name;
    EXPECT_EQ(av_cmp_q(facts_of(options.output).base_rate, {30'000, 1001}), 0) << name;
  }
}

TEST(VideoSink, ChoosesARateThatTheEncoderTakes) {
  const ScratchFolder folder;
  for (const auto& [rate, expected] : {std::pair{15.0, AVRational{30, 1}},
                                       {10.0, {30, 1}},
                                       {75.0, {60, 1}},
                                       {29.97, {30'000, 1001}},
                                       {12.5, {25, 1}},
                                       {28.0, {30'000, 1001}}}) {
    SinkOptions options = sink_options(folder / "a.mpg");
    options.frame_rate = rate;
    options.variable_frame_rate = true;
    const auto sink = open_sink(options);
    for (int i = 0; i < 30; ++i) {
      Frame frame = gradient_frame(64, 48, i);
      frame.time = std::chrono::microseconds(std::llround(i * 1e6 / rate));
      sink->write(frame);
    }
    sink->finish();
    EXPECT_EQ(av_cmp_q(facts_of(options.output).rate, expected), 0) << rate;
    EXPECT_NEAR(static_cast<double>(read_all(options.output).size()), 30 / rate * av_q2d(expected), 1)
        << rate;
  }
}

TEST(VideoSink, PlaysAnimationsAsOftenAsTheInput) {
  const ScratchFolder folder;
  for (const char* name : {"a.gif", "a.apng", "a.webp"}) {
    for (const int plays : {0, 1, 2, 7}) {
      SinkOptions options = sink_options(folder / name, 16, 16);
      options.format = std::string_view(name).ends_with("webp") ? "webp" : "";
      options.plays = plays;
      write_clip(options, 3);
      EXPECT_EQ(play_count(options.output), plays) << name;
    }
  }
  SourceOptions source;
  source.input = folder / "a.gif";
  EXPECT_EQ(open_source(source)->info().plays, 7);
  write_clip(sink_options(folder / "a.mp4"), 3);
  source.input = folder / "a.mp4";
  EXPECT_EQ(open_source(source)->info().plays, std::nullopt);
}

class EveryFastRate : public testing::TestWithParam<int> {};

TEST_P(EveryFastRate, IsShownAsLongByAGif) {
  const ScratchFolder folder;
  for (const bool by_time : {false, true}) {
    SinkOptions options = sink_options(folder / "a.gif", 16, 16);
    options.frame_rate = GetParam();
    options.variable_frame_rate = by_time;
    const auto sink = open_sink(options);
    for (int i = 0; i < GetParam(); ++i) {
      Frame frame = plain_frame(16, 16, {i, 255 - i, 0});
      if (by_time) frame.time = std::chrono::microseconds(i * 1'000'000LL / GetParam());
      sink->write(frame);
    }
    sink->finish();
    // Players show frames of 10 ms for 100 ms.
    const std::vector<double> delays = packet_durations(options.output);
    EXPECT_GE(*std::ranges::min_element(delays), 0.02);
    EXPECT_NEAR(std::accumulate(delays.begin(), delays.end(), 0.0), 1, 0.011);
  }
}
INSTANTIATE_TEST_SUITE_P(Rates, EveryFastRate, testing::Values(30, 50, 60, 120, 200));

TEST(VideoSink, KeepsAllFramesOfAFastAnimationUnlessItIsAGif) {
  const ScratchFolder folder;
  for (const char* name : {"a.apng", "a.gif"}) {
    std::vector<std::string> warnings;
    SinkOptions options = sink_options(folder / name, 16, 16);
    options.frame_rate = 60;
    options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    const auto sink = open_sink(options);
    for (int i = 0; i < 60; ++i) sink->write(plain_frame(16, 16, {4 * i, 255 - i, 0}));
    sink->finish();
    const std::size_t frames = packet_durations(options.output).size();
    if (std::string_view(name) == "a.apng") {
      EXPECT_EQ(frames, 60U);
      EXPECT_EQ(warnings, std::vector<std::string>{});
    } else {
      ASSERT_EQ(warnings.size(), 1U);
      EXPECT_TRUE(warnings[0].starts_with(std::to_string(60 - frames) + " frames are missing"))
          << warnings[0];
    }
  }
}

TEST(VideoSink, RepeatsFramesForAnEncoderOfOneFrameRateInAnyContainer) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv");
  options.codec = "mpeg2video";
  options.frame_rate = 15;
  options.variable_frame_rate = true;
  const auto sink = open_sink(options);
  for (int i = 0; i < 15; ++i) {
    Frame frame = gradient_frame(64, 48, i);
    frame.time = std::chrono::microseconds(i * 1'000'000 / 15);
    sink->write(frame);
  }
  sink->finish();
  EXPECT_EQ(read_all(options.output).size(), 30U);
}

}  // namespace
}  // namespace streamdiffusion::tests
