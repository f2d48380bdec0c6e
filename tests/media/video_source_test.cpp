// Tests of what a video file is read as.

extern "C" {
#include <libavutil/crc.h>
}

#include "joined_recording.h"
#include "read_source.h"

namespace streamdiffusion::tests {
namespace {

TEST(VideoSource, NumbersAndTimesItsFrames) {
  const std::vector<Frame> frames = read_all(fixture("untagged.mp4"));
  ASSERT_EQ(frames.size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(frames[static_cast<std::size_t>(i)].number, i);
    EXPECT_EQ(frames[static_cast<std::size_t>(i)].time.count(), i * 40'000);
  }
}

TEST(VideoSource, KnowsWhatItIs) {
  const SourceInfo info = info_of(fixture("flash_and_beep.ts"));
  EXPECT_EQ(info.width, 48);
  EXPECT_EQ(info.height, 32);
  EXPECT_DOUBLE_EQ(info.frame_rate, 25);
  EXPECT_FALSE(info.variable_frame_rate);
  EXPECT_TRUE(info.has_audio);
  EXPECT_NEAR(static_cast<double>(info.frames), 40, 1);
  EXPECT_FALSE(info_of(fixture("untagged.mp4")).has_audio);
  EXPECT_EQ(info_of(fixture("untagged.mp4")).frames, 3);
}

TEST(VideoSource, TurnsRotatedVideo) {
  EXPECT_EQ(info_of(fixture("rotated.mp4")).width, 32);
  const std::vector<Frame> frames = read_all(fixture("rotated.mp4"));
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].width, 32);
  EXPECT_EQ(frames[0].height, 48);
  // Players show the video turned anticlockwise by 90 degrees.
  EXPECT_TRUE(near(at(frames[0], Corner::bottom_left), kRed, 5));
  EXPECT_TRUE(near(at(frames[0], Corner::top_left), kGreen, 5));
}

TEST(VideoSource, SaysThatItAppliesNoAngleBetweenQuarterTurns) {
  const ScratchFolder folder;
  std::string bytes = read_bytes(fixture("rotated.mp4"));
  const std::size_t header = bytes.find("tkhd");
  ASSERT_NE(header, std::string::npos);
  // Sets the matrix, nine numbers after version, flags, dates, number, duration, layer and volume, to 45
  // degrees.
  const auto put = [&](std::size_t index, std::uint32_t value) {
    for (std::size_t i = 0; i < 4; ++i)
      bytes[header + 4 + 40 + 4 * index + i] = static_cast<char>(value >> (24 - 8 * i));
  };
  constexpr std::uint32_t kHalfRoot = 46341;  // sqrt(0.5) * 65536.
  for (const std::size_t index : {0, 1, 4}) put(index, kHalfRoot);
  put(3, 0U - kHalfRoot);
  write_bytes(folder / "a.mp4", bytes);
  const Read read = read_with_warnings(folder / "a.mp4");
  EXPECT_EQ(read.frames.size(), 3U);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_NE(read.warnings[0].find("45 degrees clockwise"), std::string::npos) << read.warnings[0];
  EXPECT_TRUE(read_with_warnings(fixture("rotated.mp4")).warnings.empty());
}

TEST(VideoSource, MakesPixelsSquare) {
  const std::vector<Frame> frames = read_all(fixture("wide_pixels.mp4"));
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames[0].width, 96);
  EXPECT_EQ(frames[0].height, 32);
  EXPECT_EQ(info_of(fixture("wide_pixels.mp4")).width, 96);
  expect_scene(frames[0], 5);
}

TEST(VideoSource, PutsAlphaOnBlack) {
  const std::vector<Frame> frames = read_all(fixture("alpha.mov"));
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(pixel(frames[0], 24, 2), kWhite);
  EXPECT_EQ(pixel(frames[0], 24, 20), (Colour{128, 128, 128}));
}

TEST(VideoSource, TellsTheTimesOfUnevenFrames) {
  EXPECT_TRUE(info_of(fixture("uneven.mkv")).variable_frame_rate);
  const std::vector<Frame> frames = read_all(fixture("uneven.mkv"));
  const std::vector<int> milliseconds = {0, 120, 160, 240, 360, 480};
  ASSERT_EQ(frames.size(), milliseconds.size());
  for (std::size_t i = 0; i < frames.size(); ++i)
    EXPECT_EQ(frames[i].time.count(), milliseconds[i] * 1000) << i;
}

TEST(VideoSource, CountsTheFramesOfAFileThatTellsNoFrameRate) {
  const SourceInfo info = info_of(fixture("browser.webm"));  // Frames of 12 to 410 ms, no rate.
  EXPECT_EQ(info.frames, 45);
  EXPECT_TRUE(info.variable_frame_rate);
  EXPECT_DOUBLE_EQ(info.frame_rate, 30);
  EXPECT_EQ(read_all(fixture("browser.webm")).size(), 45U);
}

TEST(VideoSource, TellsAGapThatComesLate) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv", 16, 16);
  options.variable_frame_rate = true;
  const auto sink = open_sink(options);
  for (int i = 0; i < 520; ++i) {
    Frame frame = plain_frame(16, 16, {i % 256, 0, 0});
    frame.time = std::chrono::milliseconds(i * 40 + (i < 500 ? 0 : 3000));
    sink->write(frame);
  }
  sink->finish();
  EXPECT_TRUE(info_of(options.output).variable_frame_rate);
  EXPECT_DOUBLE_EQ(info_of(options.output).frame_rate, 25);
  EXPECT_EQ(info_of(options.output).frames, 520);
}

/// Makes the first frame of an animated PNG one that is drawn over what is there.
void draw_first_frame_over(const std::string& file) {
  std::string bytes = read_bytes(file);
  const std::size_t control = bytes.find("fcTL");
  ASSERT_NE(control, std::string::npos);
  constexpr std::size_t kControl = 30;  // type and content; the way of drawing comes last
  bytes[control + kControl - 1] = 1;
  const auto* begin = reinterpret_cast<const std::uint8_t*>(bytes.data()) + control;
  const std::uint32_t checksum = ~av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), ~0U, begin, kControl);
  for (std::size_t i = 0; i < 4; ++i)
    bytes[control + kControl + i] = static_cast<char>(checksum >> (24 - 8 * i));
  write_bytes(file, bytes);
}

TEST(VideoSource, GivesTheFirstFrameOfAnAnimatedPng) {
  const ScratchFolder folder;
  write_clip(sink_options(folder / "a.apng"), 5);
  draw_first_frame_over(folder / "a.apng");
  const Read read = read_with_warnings(folder / "a.apng");
  ASSERT_EQ(read.frames.size(), 5U);
  EXPECT_EQ(read.frames[1].time.count(), 40'000);
  EXPECT_EQ(read.warnings, std::vector<std::string>{});
}

TEST(VideoSource, ReadsVideoWithoutMarksOfKeyFrames) {
  const ScratchFolder folder;
  for (const char* codec : {"ffv1", "zmbv", "mjpeg"}) {
    SinkOptions options = sink_options(folder / "marked.avi");
    options.codec = codec;
    write_clip(options, 10);
    copy_packets(options.output, folder / "a.mkv", [](AVPacket& packet, const AVFormatContext&) {
      packet.flags = 0;
      return true;
    });
    const Read read = read_with_warnings(folder / "a.mkv");
    EXPECT_EQ(read.frames.size(), 10U) << codec;
    EXPECT_EQ(read.warnings, std::vector<std::string>{}) << codec;
  }
}

TEST(VideoSource, NamesTheTagOfACodecThatFfmpegDoesNotKnow) {
  const ScratchFolder folder;
  std::string bytes = write_mpeg4(folder / "a.avi", 3);
  for (std::size_t at = bytes.find("FMP4"); at != std::string::npos; at = bytes.find("FMP4", at))
    bytes.replace(at, 4, "QQ7z");
  write_bytes(folder / "a.avi", bytes);
  EXPECT_NE(error_of([&] { read_all(folder / "a.avi"); }).find("QQ7z"), std::string::npos);
}

TEST(VideoSource, NamesTheCodecOfAnEnhancedFlv) {
  const ScratchFolder folder;
  std::string bytes("FLV\x01\x01\0\0\0\x09\0\0\0\0", 13);
  for (char frame = 0; frame < 10; ++frame) {
    const std::string content = "\x90hvc1" + std::string(50, '\x55');
    bytes += std::string("\x09\0\0", 3) + static_cast<char>(content.size()) + std::string(2, '\0') +
             static_cast<char>(10 * frame) + std::string(4, '\0') + content + std::string(3, '\0') +
             static_cast<char>(11 + content.size());
  }
  write_bytes(folder / "a.flv", bytes);
  if (!kIsFfmpeg5) GTEST_SKIP() << "this FFmpeg knows it";
  EXPECT_NE(error_of([&] { read_all(folder / "a.flv"); }).find("hvc1"), std::string::npos);
}

TEST(VideoSource, RefusesWhatIsNoVideo) {
  const ScratchFolder folder;
  for (const char* name : {"a.mp4", "a.txt", "a.mkv", "a.nfo"}) {
    write_bytes(folder / name, "Dear reader, this is a letter.\n");
    EXPECT_NE(error_of([&] { read_all(folder / name); }).find(name), std::string::npos);
  }
  std::string noise;
  std::minstd_rand random(1);
  for (int i = 0; i < 100'000; ++i) noise.push_back(static_cast<char>(random()));
  write_bytes(folder / "noise.mp4", noise);
  EXPECT_THROW(read_all(folder / "noise.mp4"), Error);
  EXPECT_NE(error_of([&] { read_all(folder / "missing.mp4"); }).find("there is no input"), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion::tests
