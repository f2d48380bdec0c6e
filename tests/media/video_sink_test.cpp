// Tests of the videos that are written, and of what happens if they cannot be.

#include <csignal>

#include "support.h"
#include "video_facts.h"

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#endif

namespace streamdiffusion::tests {
namespace {

struct OutputFormat {
  const char* extension;
  const char* codec;
};
class EveryOutput : public testing::TestWithParam<OutputFormat> {};

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
                         testing::Values(OutputFormat{"mp4", "h264"}, OutputFormat{"mov", "h264"},
                                         OutputFormat{"mkv", "h264"}, OutputFormat{"webm", "vp9"},
                                         OutputFormat{"gif", "gif"}, OutputFormat{"avi", "mpeg4"},
                                         OutputFormat{"ts", "h264"}));

TEST(VideoSink, TagsItsColours) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.mp4"), 3);
  EXPECT_EQ(facts_of(folder / "a.mp4").matrix, AVCOL_SPC_BT709);
  EXPECT_EQ(facts_of(folder / "a.mp4").range, AVCOL_RANGE_MPEG);
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

}  // namespace
}  // namespace streamdiffusion::tests
