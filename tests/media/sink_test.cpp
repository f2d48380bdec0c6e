#include <algorithm>
#include <cmath>
#include <csignal>
#include <numeric>

#include "media/play_count.h"
#include "media/video_input.h"
#include "support.h"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace streamdiffusion::testing {
namespace {

/// The properties that a video file states.
struct VideoFacts {
  std::string codec;
  int width = 0;
  int height = 0;
  AVRational rate{};
  AVRational base_rate{};
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  std::map<std::string, std::string> tags;
};
VideoFacts facts_of(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const AVStream& stream = *find_video_stream(*input);
  const AVCodecParameters& parameters = *stream.codecpar;
  VideoFacts facts{avcodec_get_name(parameters.codec_id),
                   parameters.width,
                   parameters.height,
                   stream.avg_frame_rate,
                   stream.r_frame_rate,
                   parameters.color_space,
                   parameters.color_range,
                   {}};
  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(input->metadata, "", tag, AV_DICT_IGNORE_SUFFIX)) != nullptr)
    facts.tags[tag->key] = tag->value;
  return facts;
}

std::vector<double> packet_durations(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const double tick = av_q2d(find_video_stream(*input)->time_base);
  std::vector<double> durations;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    durations.push_back(static_cast<double>(packet->duration) * tick);
    av_packet_unref(packet.get());
  }
  return durations;
}

struct Container {
  const char* extension;
  const char* codec;
};
class EveryOutput : public ::testing::TestWithParam<Container> {};

TEST_P(EveryOutput, HoldsAsManyFramesAsWereWrittenInTheirColours) {
  const ScratchFolder folder;
  const std::string file = folder / (std::string("out.") + GetParam().extension);
  const auto sink = open_sink(sink_options(file, 48, 32));
  const Frame scene = read_image(fixture("plain.png"));
  for (int i = 0; i < 5; ++i) sink->write(scene);
  sink->finish();
  EXPECT_EQ(facts_of(file).codec, GetParam().codec);
  EXPECT_EQ(folder.names().size(), 1U);
  const std::vector<Frame> frames = read_all(file);
  ASSERT_EQ(frames.size(), 5U);
  for (const Frame& frame : frames) expect_scene(frame, 12);
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryOutput,
                         ::testing::Values(Container{"mp4", "h264"}, Container{"mov", "h264"},
                                           Container{"mkv", "h264"}, Container{"webm", "vp9"},
                                           Container{"gif", "gif"}, Container{"avi", "mpeg4"},
                                           Container{"ts", "h264"}));

TEST(VideoSink, TagsItsColours) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.mp4"), 3);
  EXPECT_EQ(facts_of(folder / "a.mp4").matrix, AVCOL_SPC_BT709);
  EXPECT_EQ(facts_of(folder / "a.mp4").range, AVCOL_RANGE_MPEG);
}

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

class EveryFastRate : public ::testing::TestWithParam<int> {};

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
INSTANTIATE_TEST_SUITE_P(Rates, EveryFastRate, ::testing::Values(30, 50, 60, 120, 200));

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

TEST(VideoSink, KeepsColoursOfRawVideo) {
  const ScratchFolder folder;
  for (const char* name : {"a.avi", "a.mov", "a.nut"}) {
    SinkOptions options = sink_options(folder / name);
    options.codec = "rawvideo";
    write_clip(options, 3);
    const std::vector<Frame> frames = read_all(options.output);
    ASSERT_EQ(frames.size(), 3U) << name;
    EXPECT_EQ(frames[2].pixels, gradient_frame(64, 48, 2).pixels) << name;
  }
}

TEST(VideoSink, TakesOddSizes) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.mp4", 65, 49), 3);
  const std::vector<Frame> frames = read_all(folder / "a.mp4");
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].width, 66);
  EXPECT_TRUE(near(pixel(frames[0], 65, 20), pixel(frames[0], 64, 20), 6));
}

TEST(VideoSink, KeepsEveryPixelInALosslessCodec) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv");
  options.codec = "ffv1";
  write_clip(options, 3);
  const std::vector<Frame> frames = read_all(options.output);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[2].pixels, gradient_frame(64, 48, 2).pixels);
}

/// A frame with detail in every pixel, so that a lower quality loses some of it.
Frame busy_frame(int number) {
  Frame frame = gradient_frame(64, 48, number);
  for (std::size_t i = 0; i < frame.pixels.size(); i += 3) {
    frame.pixels[i] = static_cast<std::uint8_t>(128 + 90 * std::sin(static_cast<double>(i + number) * 0.31));
  }
  return frame;
}

double mean_square_error(const std::vector<Frame>& frames) {
  double sum = 0;
  std::size_t count = 0;
  for (const Frame& frame : frames) {
    const Frame right = busy_frame(static_cast<int>(frame.number));
    for (std::size_t i = 0; i < frame.pixels.size(); ++i, ++count) {
      const double difference = double{static_cast<double>(frame.pixels[i])} - right.pixels[i];
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(count);
}

struct Encoder {
  const char* extension;
  const char* name;
};
class EveryEncoder : public ::testing::TestWithParam<Encoder> {};

TEST_P(EveryEncoder, IsBestAtQuality100) {
  const auto& [extension, name] = GetParam();
  if (*name != '\0' && avcodec_find_encoder_by_name(name) == nullptr) GTEST_SKIP() << "FFmpeg is without it";
  const ScratchFolder folder;
  std::vector<std::uintmax_t> sizes;
  std::vector<double> errors;
  for (const int quality : {0, 50, 100}) {
    SinkOptions options = sink_options(folder / (std::string("a.") + extension));
    options.codec = name;
    options.quality = quality;
    const auto sink = open_sink(options);
    for (int i = 0; i < 4; ++i) sink->write(busy_frame(i));
    sink->finish();
    sizes.push_back(fs::file_size(options.output));
    errors.push_back(mean_square_error(read_all(options.output)));
  }
  EXPECT_LE(sizes[0], sizes[1]);
  EXPECT_LE(sizes[1], sizes[2]);  // ASF pads to full blocks.
  EXPECT_GT(errors[0], errors[1]);
  EXPECT_GT(errors[1], errors[2]);
}
INSTANTIATE_TEST_SUITE_P(Encoders, EveryEncoder,
                         ::testing::Values(Encoder{"mp4", ""}, Encoder{"webm", ""}, Encoder{"avi", ""},
                                           Encoder{"ogv", ""}, Encoder{"mpg", ""}, Encoder{"wmv", ""},
                                           Encoder{"webm", "libvpx"}, Encoder{"mkv", "libtheora"},
                                           Encoder{"mkv", "mpeg2video"}, Encoder{"mkv", "mjpeg"},
                                           Encoder{"mkv", "librav1e"}, Encoder{"avi", "asv1"},
                                           Encoder{"mov", "svq1"}, Encoder{"mkv", "snow"}));

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

TEST(VideoSink, KeepsItsMetadata) {
  const ScratchFolder folder;
  for (const char* name : {"a.mp4", "a.mkv"}) {
    SinkOptions options = sink_options(folder / name);
    options.metadata = {{"parameters", "caf\u00e9, seed 3"}};
    write_clip(options, 2);
    auto tags = facts_of(options.output).tags;
    EXPECT_TRUE(tags["parameters"] == "caf\u00e9, seed 3" || tags["PARAMETERS"] == "caf\u00e9, seed 3")
        << name;
  }
}

TEST(VideoSink, LeavesNothingAndTheOldFileAloneWithoutFinish) {
  const ScratchFolder folder;
  write_bytes(folder / "a.mp4", "the old file");
  {
    const auto sink = open_sink(sink_options(folder / "a.mp4"));
    for (int i = 0; i < 60; ++i) sink->write(gradient_frame(64, 48, i));
    EXPECT_EQ(folder.names().size(), 2U);
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a.mp4"});
  EXPECT_EQ(read_bytes(folder / "a.mp4"), "the old file");
}

TEST(VideoSink, RefusesWhatItCannotDoBeforeAnyWork) {
  const ScratchFolder folder;
  const auto message = [&](const std::string& name, const std::string& codec) {
    SinkOptions options = sink_options(folder / name);
    options.codec = codec;
    return error_of([&] { open_sink(options); });
  };
  EXPECT_NE(message("a.mp4", "nonsense").find("nonsense"), std::string::npos);
  EXPECT_NE(message("a.mp4", "nonsense").find("ffmpeg -encoders"), std::string::npos);
  EXPECT_NE(message("a.mp4", "aac").find("not for video"), std::string::npos);
  EXPECT_NE(message("a.webm", "libx264").find("cannot hold h264"), std::string::npos);
  EXPECT_NE(message("a.xyz", "").find("extension"), std::string::npos);
  for (const char* name : {"a.mp3", "a.flac", "a.aiff"}) {
    EXPECT_NE(message(name, "").find("extension of a video"), std::string::npos) << name;
  }
  EXPECT_NE(message("missing/a.mp4", "").find("no folder"), std::string::npos);
  SinkOptions options = sink_options(folder / "a.mp4", 0, 48);
  EXPECT_THROW(open_sink(options), Error);
  options = sink_options(folder / "a.mp4");
  options.frame_rate = 0;
  EXPECT_THROW(open_sink(options), Error);
  EXPECT_TRUE(folder.names().empty());
}

TEST(VideoSink, RefusesAFrameOfAnotherSizeAndAVideoWithoutFrames) {
  const ScratchFolder folder;
  const auto sink = open_sink(sink_options(folder / "a.mp4"));
  EXPECT_THROW(sink->write(gradient_frame(32, 32)), Error);
  EXPECT_THROW(sink->finish(), Error);
}

TEST(VideoSink, ReportsAFullDevice) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "this system has no /dev/full";
  SinkOptions options = sink_options("/dev/full");
  options.format = "matroska";
  EXPECT_NE(error_of([&] { write_clip(options, 200); }).find("No space left"), std::string::npos);
}

#ifdef RLIMIT_FSIZE
TEST(VideoSink, LeavesNothingOnAFullDisk) {
  const ScratchFolder folder;
  for (const char* name : {"a.mp4", "a.mkv", "a.webm", "a.avi", "a.gif"}) {
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto previous = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1500, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const std::string message = error_of([&] { write_clip(sink_options(folder / name), 30); });
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, previous);
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_TRUE(folder.names().empty()) << name;
  }
}
#endif

TEST(ImageFileSink, NumbersImagesInAFolderThatItMakes) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "new/deep/"), 3);
  EXPECT_EQ(read_image(folder / "new/deep/00002.png").pixels, gradient_frame(64, 48, 2).pixels);
  EXPECT_FALSE(fs::exists(folder / "new/deep/00003.png"));
}

TEST(ImageFileSink, FollowsAPattern) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "f%03d_x.jpg"), 2);
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"f000_x.jpg", "f001_x.jpg"}));
  EXPECT_THROW(open_sink(sink_options(folder / "%d%d.png")), Error);
  EXPECT_THROW(open_sink(sink_options(folder / "%s.png")), Error);
}

TEST(ImageFileSink, WritesOneImageAndNoSecondOverIt) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.png"), 1);
  EXPECT_EQ(read_image(folder / "a.png").width, 64);
  EXPECT_NE(error_of([&] { write_clip(sink_options(folder / "b.png"), 2); }).find("%05d"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::testing
