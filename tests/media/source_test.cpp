#include <algorithm>
#include <map>

extern "C" {
#include <libavutil/crc.h>
}

#include "joined_recording.h"
#include "sounding_video.h"
#include "support.h"

namespace streamdiffusion::testing {
namespace {

SourceInfo info_of(const std::string& input) {
  SourceOptions options;
  options.input = input;
  return open_source(options)->info();
}

/// All frames and warnings of a source.
struct Read {
  std::vector<Frame> frames;
  std::vector<std::string> warnings;
};
Read read_with_warnings(const std::string& file) {
  Read read;
  SourceOptions options;
  options.input = file;
  options.on_warning = [&](const std::string& text) { read.warnings.push_back(text); };
  read.frames = read_all(options);
  return read;
}

std::string strict_error(const std::string& file) {
  SourceOptions options;
  options.input = file;
  options.strict = true;
  return error_of([&] { read_all(options); });
}

class EveryMatrixAndRange : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryMatrixAndRange, GivesTheSameColours) {
  const std::vector<Frame> frames = read_all(fixture(GetParam()));
  ASSERT_EQ(frames.size(), 3U);
  for (const Frame& frame : frames) expect_scene(frame, 5);
}
INSTANTIATE_TEST_SUITE_P(Videos, EveryMatrixAndRange,
                         ::testing::Values("bt601_limited.mp4", "bt601_full.mp4", "bt709_limited.mp4",
                                           "bt709_full.mp4", "bt2020_limited.mp4", "bt2020_full.mp4",
                                           "untagged.mp4"));

// The files are a browser's recordings of one colour, in full range as Matroska states. FFmpeg's VP8 decoders
// report BT.601 for all video.
TEST(VideoSource, BelievesTheContainerAboutColours) {
  constexpr Colour kCanvas{200, 50, 50};
  for (const char* name : {"canvas_vp8.webm", "canvas_vp9.webm"}) {
    const std::vector<Frame> frames = read_all(fixture(name));
    ASSERT_FALSE(frames.empty()) << name;
    EXPECT_TRUE(near(pixel(frames[0], 20, 20), kCanvas, 4)) << name;
  }
}

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

/// Tests with a clip of 40 frames in each container.
class EveryInput : public ::testing::TestWithParam<const char*> {
 protected:
  EveryInput() {
    write_clip(sink_options(file_), static_cast<int>(kFrames));
    whole_ = read_bytes(file_);
  }
  /// Cuts the file to the first `part` of its bytes.
  void cut(double part) const {
    write_bytes(file_, whole_.substr(0, static_cast<std::size_t>(static_cast<double>(whole_.size()) * part)));
  }

  static constexpr std::size_t kFrames = 40;
  ScratchFolder folder_;
  std::string file_ = folder_ / (std::string("clip.") + GetParam());
  std::string whole_;
};

TEST_P(EveryInput, GivesTheFramesThatThereAreWhenCutShort) {
  cut(0.8);
  const Read read = read_with_warnings(file_);
  EXPECT_GT(read.frames.size(), 15U);
  EXPECT_LE(read.frames.size(), kFrames);
  ASSERT_FALSE(read.warnings.empty());
  EXPECT_NE(read.warnings[0].find(file_), std::string::npos) << read.warnings[0];
  // Near the cut, single frames may be missing.
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_NEAR(static_cast<double>(read.frames[i].time.count()), static_cast<double>(i) * 40e3, 1e3);
  }
}

TEST_P(EveryInput, IsAnErrorWhenCutShortAndReadStrictly) {
  ASSERT_EQ(read_all(file_).size(), kFrames);
  for (const double part : {0.02, 0.3, 0.5, 0.7, 0.9}) {
    cut(part);
    EXPECT_NE(strict_error(file_).find(file_), std::string::npos) << part;
  }
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryInput,
                         ::testing::Values("mp4", "mov", "mkv", "webm", "gif", "avi"));

/// Writes a video whose packets can be damaged one by one. Returns the file's bytes.
std::string write_mpeg4(const std::string& file, int frames) {
  SinkOptions options = sink_options(file);
  options.codec = "mpeg4";
  write_clip(options, frames);
  return read_bytes(file);
}

TEST(VideoSource, GivesTheFramesOfADamagedVideoAndSaysWhereItIsDamaged) {
  const ScratchFolder folder;
  const std::string file = folder / "clip.mp4";
  std::string bytes = write_mpeg4(file, 50);
  const std::size_t begin = bytes.find("mdat") + (bytes.size() - bytes.find("mdat")) / 2;
  for (std::size_t i = begin; i < begin + 200; ++i) bytes[i] = static_cast<char>(i * 37);
  write_bytes(file, bytes);
  const Read read = read_with_warnings(file);
  EXPECT_GE(read.frames.size(), 40U);
  EXPECT_EQ(read.frames.back().time.count(), 49 * 40'000);
  ASSERT_FALSE(read.warnings.empty());
  for (const std::string& message : {read.warnings[0], strict_error(file)}) {
    EXPECT_NE(message.find("damaged"), std::string::npos) << message;
    EXPECT_NE(message.find(" s"), std::string::npos) << message;
  }
}

TEST(VideoSource, ShowsWhatIsLeftOfDamagedFramesThatStandAlone) {
  const ScratchFolder folder;
  const std::string file = folder / "clip.avi";
  SinkOptions options = sink_options(file);
  options.codec = "mjpeg";
  write_clip(options, 20);
  std::string bytes = read_bytes(file);
  for (const int number : {5, 11}) {
    std::size_t begin = 0;
    for (int i = 0; i <= number; ++i) begin = bytes.find("00dc", begin + 4);
    const std::size_t end = bytes.find("\xFF\xD9", begin);
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>((begin + end) / 2), 30, '\x55');
  }
  write_bytes(file, bytes);
  const Read read = read_with_warnings(file);
  ASSERT_EQ(read.frames.size(), 20U);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(read.frames[i].time.count(), static_cast<int>(i) * 40'000);
  ASSERT_EQ(read.warnings.size(), 2U);
  EXPECT_NE(read.warnings[0].find("damaged"), std::string::npos) << read.warnings[0];
  EXPECT_NE(read.warnings[1].find("2 places"), std::string::npos) << read.warnings[1];
  EXPECT_NE(strict_error(file).find("damaged"), std::string::npos);
}

constexpr bool kIsFfmpeg5 = LIBAVFORMAT_VERSION_MAJOR < 60;

TEST(VideoSource, TellsOfFramesThatTheDemuxerSkips) {
  const ScratchFolder folder;
  const std::string file = folder / "clip.mkv";
  std::string bytes = write_mpeg4(file, 50);
  std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 2), bytes.size() / 4, '\0');
  write_bytes(file, bytes);
  const Read read = read_with_warnings(file);
  EXPECT_LT(read.frames.size(), 50U);
  ASSERT_FALSE(read.warnings.empty());
  const char* const told = kIsFfmpeg5 ? "damaged" : "cut short";  // FFmpeg 7 ends at the gap.
  EXPECT_NE(read.warnings[0].find(told), std::string::npos) << read.warnings[0];
}

TEST(VideoSource, GivesAllFramesOfAContainerThatSaysToBeLonger) {
  const Read read = read_with_warnings(fixture("header_longer.mp4"));
  EXPECT_EQ(read.frames.size(), 10U);
  ASSERT_EQ(read.warnings.size(), kIsFfmpeg5 ? 1U : 0U);  // FFmpeg 7 uses the samples' duration.
  if (!kIsFfmpeg5) return;
  EXPECT_NE(read.warnings[0].find("longer"), std::string::npos) << read.warnings[0];
  EXPECT_NE(strict_error(fixture("header_longer.mp4")).find("longer"), std::string::npos);
}

TEST(VideoSource, TakesAFileThatBeginsLateForWhole) {
  const ScratchFolder folder;
  for (const char* name : {"a.mkv", "a.mp4", "a.flv", "a.ts"}) {
    const SoundingVideo video(folder / name, 10, {{"aac", 44'100, "stereo", 5, 6}}, 50);
    const Read read = read_with_warnings(folder / name);
    EXPECT_EQ(read.frames.size(), 10U) << name;
    EXPECT_EQ(read.warnings, std::vector<std::string>{}) << name;
  }
}

/// Writes a video with a colour option and expects one warning that contains `word`.
void expect_colour_warning(const std::string& option, const std::string& value, const std::string& word) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv");
  options.codec = "ffv1";
  options.ffmpeg_options = {{option, value}};
  write_clip(options, 3);
  const Read read = read_with_warnings(options.output);
  EXPECT_EQ(read.frames.size(), 3U);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_NE(read.warnings[0].find(word), std::string::npos) << read.warnings[0];
}

TEST(VideoSource, WarnsOfHdr) { expect_colour_warning("color_trc", "arib-std-b67", "HDR"); }

TEST(VideoSource, WarnsOfDolbyVisionWithColoursOfItsOwn) {
  const ScratchFolder folder;
  const std::string whole = write_mpeg4(folder / "a.mp4", 3);
  const std::size_t place = whole.find("btrt");  // a box that nobody needs
  ASSERT_NE(place, std::string::npos);
  for (const int profile : {5, 8}) {
    std::string box = std::string("dvcC\x01", 5) + '\0' + static_cast<char>(profile << 1) + '\x05';
    box.resize(16, '\0');
    write_bytes(folder / "a.mp4", std::string(whole).replace(place, box.size(), box));
    const Read read = read_with_warnings(folder / "a.mp4");
    EXPECT_EQ(read.frames.size(), 3U);
    ASSERT_EQ(read.warnings.size(), profile == 5 ? 1U : 0U);
    for (const std::string& text : read.warnings)
      EXPECT_NE(text.find("Dolby Vision"), std::string::npos) << text;
  }
}

TEST(VideoSource, ReadsAnUnusualColourMatrixAsNone) {
  const Read read = read_with_warnings(fixture("reserved_matrix.mp4"));
  EXPECT_EQ(read.frames.size(), 3U);
  expect_scene(read.frames[0], 5);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_NE(read.warnings[0].find("reserved"), std::string::npos) << read.warnings[0];
  EXPECT_NE(strict_error(fixture("reserved_matrix.mp4")).find("reserved"), std::string::npos);
}

TEST(VideoSource, GoesOnWhereTransportStreamsWereJoined) {
  const ScratchFolder folder;
  for (const double second_begin : {10.0, 3.0, 11.6, 100.0, 3610.0}) {
    const Read read = read_with_warnings(joined_recording(folder, {10, second_begin}));
    EXPECT_EQ(read.frames.size(), 80U) << second_begin;
    for (std::size_t i = 0; i < read.frames.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(read.frames[i].time.count()), static_cast<double>(i) * 40e3, 1e3)
          << second_begin << " " << i;
    }
  }
}

TEST(VideoSource, TellsOfAnotherStreamThatAFileGoesOnWith) {
  const ScratchFolder folder;
  std::string bytes;
  for (const char* pid : {"256", "768"}) {
    SinkOptions options = sink_options(folder / "part.ts");
    options.ffmpeg_options = {{"mpegts_start_pid", pid}, {"mpegts_pmt_start_pid", std::string(pid) + "0"}};
    write_clip(options, 50);
    bytes += read_bytes(options.output);
  }
  write_bytes(folder / "a.ts", bytes);
  const Read read = read_with_warnings(folder / "a.ts");
  EXPECT_EQ(read.frames.size(), 50U);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_NE(read.warnings[0].find("about 2.00 s with another video stream"), std::string::npos)
      << read.warnings[0];
  EXPECT_NE(strict_error(folder / "a.ts").find("another video stream"), std::string::npos);
}

constexpr std::size_t kTransportPacket = 188;

/// The offsets of a transport stream's video packets, by the number of their frame.
std::vector<std::vector<std::size_t>> packets_of_frames(const std::string& bytes) {
  constexpr int kVideo = 0x100;  // The packet identifier that FFmpeg's muxer gives to video.
  std::vector<std::vector<std::size_t>> frames;
  for (std::size_t at = 0; at + kTransportPacket <= bytes.size(); at += kTransportPacket) {
    const int flags = static_cast<unsigned char>(bytes[at + 1]);
    if ((flags & 0x1F) * 256 + static_cast<unsigned char>(bytes[at + 2]) != kVideo) continue;
    if ((flags & 0x40) != 0) frames.emplace_back();
    frames.back().push_back(at);
  }
  return frames;
}

std::string without_packets(const std::string& bytes, const std::vector<std::size_t>& lost) {
  std::string left;
  for (std::size_t at = 0; at < bytes.size(); at += kTransportPacket) {
    if (std::ranges::find(lost, at) == lost.end()) left += bytes.substr(at, kTransportPacket);
  }
  return left;
}

class EveryTransportStream : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (avcodec_find_encoder_by_name(GetParam()) == nullptr) GTEST_SKIP() << "FFmpeg is without it";
    SinkOptions options = sink_options(file, 64, 64);
    options.codec = GetParam();
    if (options.codec.starts_with("libx")) options.ffmpeg_options = {{"preset", "ultrafast"}};
    const auto sink = open_sink(options);
    std::minstd_rand random(1);
    for (int i = 0; i < 50; ++i) {
      Frame frame = gradient_frame(64, 64, i);
      for (std::uint8_t& value : frame.pixels)
        value = static_cast<std::uint8_t>((value + random() % 64) & 0xFF);
      sink->write(frame);
    }
    sink->finish();
  }
  const ScratchFolder folder;
  const std::string file = folder / "a.ts";
};

TEST_P(EveryTransportStream, IsWholeWhereItsCountersAloneJump) {
  std::string bytes = read_bytes(file);
  const auto frames = packets_of_frames(bytes);
  for (std::size_t frame = 25; frame < frames.size(); ++frame) {
    for (const std::size_t at : frames[frame]) {
      const auto flags = static_cast<unsigned char>(bytes[at + 3]);
      bytes[at + 3] = static_cast<char>((flags & 0xF0) | ((flags + 7) & 0xF));
    }
  }
  write_bytes(file, bytes);
  const Read read = read_with_warnings(file);
  EXPECT_EQ(read.frames.size(), 50U);
  if (std::string_view(GetParam()) == "libx265") return;  // Its decoder does not report damage.
  EXPECT_EQ(read.warnings, std::vector<std::string>{});
}

TEST_P(EveryTransportStream, IsDamagedWherePacketsAreMissing) {
  const std::string whole = read_bytes(file);
  const auto frames = packets_of_frames(whole);
  std::vector<std::size_t> lost;  // Three frames are lost in the first round.
  for (std::size_t frame = 30; frame < 33; ++frame) {
    lost.insert(lost.end(), frames[frame].begin(), frames[frame].end());
  }
  for (int round = 0; round < 2; ++round) {
    write_bytes(file, without_packets(whole, lost));
    const Read read = read_with_warnings(file);
    ASSERT_FALSE(read.warnings.empty()) << round;
    EXPECT_NE(read.warnings[0].find("damaged"), std::string::npos) << read.warnings[0];
    ASSERT_GE(frames[20].size(), 2U);
    lost = {frames[20].back()};  // A part of a frame is lost in the second round.
  }
}
INSTANTIATE_TEST_SUITE_P(Codecs, EveryTransportStream, ::testing::Values("libx264", "mpeg2video", "libx265"));

TEST(VideoSource, IsWholeWhereAPlaylistJoinsRecordings) {
  const ScratchFolder folder;
  move_times(fixture("flash_and_beep.ts"), folder / "1.ts", 10);
  move_times(fixture("flash_and_beep.ts"), folder / "2.ts", 11.6);
  write_bytes(folder / "a.m3u8",
              "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.6,\n1.ts\n"
              "#EXT-X-DISCONTINUITY\n#EXTINF:1.6,\n2.ts\n#EXT-X-ENDLIST\n");
  const Read read = read_with_warnings(folder / "a.m3u8");
  EXPECT_EQ(read.frames.size(), 80U);
  EXPECT_EQ(read.warnings, std::vector<std::string>{});
}

TEST(VideoSource, SaysThatTimesBeginAnewInJoinedFiles) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "a.mkv");
  options.ffmpeg_options = {{"live", "1"}};
  write_clip(options, 40);
  write_bytes(folder / "a.mkv", read_bytes(folder / "a.mkv") + read_bytes(folder / "a.mkv"));
  const Read read = read_with_warnings(folder / "a.mkv");
  EXPECT_EQ(read.frames.size(), 80U);
  EXPECT_TRUE(std::ranges::any_of(read.warnings, [](const std::string& text) {
    return text.find("joined byte by byte") != std::string::npos;
  }));
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

TEST(VideoSource, TellsHowMuchComesBeforeTheFirstKeyFrame) {
  const ScratchFolder folder;
  SinkOptions options = sink_options(folder / "whole.ts");
  options.codec = "mpeg2video";
  options.ffmpeg_options = {{"g", "20"}, {"sc_threshold", "1000000000"}};
  write_clip(options, 50);
  const auto without_first = [&](int count) {
    copy_packets(options.output, folder / "a.ts",
                 [&count](AVPacket&, const AVFormatContext&) { return count-- <= 0; });
    return read_with_warnings(folder / "a.ts");
  };
  const Read read = without_first(10);
  EXPECT_EQ(read.frames.size(), 30U);
  ASSERT_EQ(read.warnings.size(), 1U);
  EXPECT_NE(read.warnings[0].find("0.40 s"), std::string::npos) << read.warnings[0];
  EXPECT_NE(strict_error(folder / "a.ts").find("before the first key frame"), std::string::npos);
  EXPECT_EQ(without_first(16).warnings, std::vector<std::string>{});
}

/// Writes 20 frames as a raw stream; an empty name where FFmpeg is without the encoder.
std::string write_raw_stream(const ScratchFolder& folder, const std::string& name, const std::string& encoder,
                             const std::map<std::string, std::string>& encoder_options = {}) {
  if (avcodec_find_encoder_by_name(encoder.c_str()) == nullptr) return {};
  SinkOptions sink = sink_options(folder / "a.mkv");
  sink.codec = encoder;
  sink.ffmpeg_options = encoder_options;
  write_clip(sink, 20);
  copy_packets(sink.output, folder / name, [](AVPacket&, const AVFormatContext&) { return true; });
  return folder / name;
}

TEST(VideoSource, ReadsRawStreamsAtAGivenRate) {
  const ScratchFolder folder;
  for (const std::string& file : {write_raw_stream(folder, "a.mjpeg", "mjpeg"),
                                  write_raw_stream(folder, "a.hevc", "libx265",
                                                   {{"x265-params", "vui-timing-info=0:log-level=none"}})}) {
    for (const double rate : {10.0, 50.0, 100.0}) {
      if (file.empty()) continue;
      SourceOptions options{.input = file, .frame_rate = rate, .strict = true};
      EXPECT_DOUBLE_EQ(open_source(options)->info().frame_rate, rate) << file;
      const std::vector<Frame> frames = read_all(options);
      ASSERT_EQ(frames.size(), 20U) << file;
      EXPECT_NEAR(static_cast<double>(frames[10].time.count()), 10e6 / rate, 1e3) << file << rate;
    }
  }
}

TEST(VideoSource, SaysWhereARawStreamHasARateOfItsOwn) {
  const ScratchFolder folder;
  const std::string file = write_raw_stream(folder, "a.h264", "libx264");
  if (file.empty()) GTEST_SKIP() << "FFmpeg is without libx264";
  SourceOptions options{.input = file, .frame_rate = 10, .strict = true};
  EXPECT_NE(error_of([&] { open_source(options); }).find("25 frames a second"), std::string::npos);
  options.frame_rate = 25;
  EXPECT_EQ(read_all(options).size(), 20U);
}

TEST(VideoSource, SaysWhereSizeAndRateHaveNoEffect) {
  for (const char* name : {"untagged.mp4", "plain.png"}) {
    std::vector<std::string> warnings;
    SourceOptions options{.input = fixture(name), .width = 16, .height = 16};
    options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    open_source(options);
    ASSERT_EQ(warnings.size(), 1U) << name;
    EXPECT_NE(warnings[0].find("the size given"), std::string::npos) << warnings[0];
  }
  std::vector<std::string> warnings;
  SourceOptions options{.input = fixture("untagged.mp4"), .frame_rate = 5};
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  open_source(options);
  EXPECT_EQ(warnings.size(), 1U);
  options.strict = true;
  EXPECT_NE(error_of([&] { open_source(options); }).find("the frame rate given"), std::string::npos);
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

TEST(VideoSource, ReadsRawVideoOfAGivenSize) {
  const ScratchFolder folder;
  const Frame frame = gradient_frame(16, 8);
  const std::string bytes(frame.pixels.begin(), frame.pixels.end());
  SourceOptions options{
      .input = folder / "raw", .format = "rawvideo", .width = 16, .height = 8, .frame_rate = 50};
  write_bytes(options.input, bytes + bytes);
  const std::vector<Frame> frames = read_all(options);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[1].pixels, frame.pixels);
  EXPECT_EQ(frames[1].time.count(), 20'000);
  write_bytes(options.input, bytes + bytes.substr(0, 100));
  EXPECT_EQ(read_all(options).size(), 1U) << "half a frame is none";
  options.strict = true;
  EXPECT_THROW(read_all(options), Error);
  options.width = 0;
  EXPECT_THROW(read_all(options), Error);
  options.format = "nonsense";
  EXPECT_NE(error_of([&] { read_all(options); }).find("nonsense"), std::string::npos);
}

TEST(ImageFileSource, ReadsAFolderInNaturalOrder) {
  const ScratchFolder folder;
  write_image(folder / "frame10.png", plain_frame(8, 8, {10, 0, 0}));
  write_image(folder / "frame9.png", plain_frame(8, 8, {9, 0, 0}));
  write_image(folder / "frame100.png", plain_frame(4, 4, {100, 0, 0}));
  write_bytes(folder / "notes.txt", "no image");
  write_bytes(folder / ".hidden.png", "no image");
  const SourceInfo info = info_of(folder / "");
  EXPECT_EQ(info.frames, 3);
  EXPECT_DOUBLE_EQ(info.frame_rate, 25);
  const std::vector<Frame> frames = read_all(folder / "");
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].pixels[0], 9);
  EXPECT_EQ(frames[1].pixels[0], 10);
  EXPECT_EQ(frames[2].pixels[0], 100);
  EXPECT_EQ(frames[2].width, 4);
  EXPECT_EQ(frames[2].number, 2);
  EXPECT_EQ(frames[2].time.count(), 80'000);
}

TEST(ImageFileSource, NamesTheHeicOfAFolder) {
  const ScratchFolder folder;
  write_image(folder / "1.png", plain_frame(8, 8, kRed));
  write_bytes(folder / "2.HEIC",
              std::string("\0\0\0\x18", 4) + "ftypheic" + std::string(4, '\0') + "mif1heic");
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("is a HEIC"), std::string::npos);
}

TEST(ImageFileSource, NamesTheBrokenImageOfAFolder) {
  const ScratchFolder folder;
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("no images"), std::string::npos);
  write_image(folder / "1.png", gradient_frame(8, 8));
  write_bytes(folder / "2.png", read_bytes(folder / "1.png").substr(0, 60));
  EXPECT_NE(error_of([&] { read_all(folder / ""); }).find("2.png"), std::string::npos);
}

TEST(ImageFileSource, RefusesAFlawedImageWhenReadStrictly) {
  const ScratchFolder folder;
  const std::string whole = read_bytes(fixture("plain.png"));
  write_bytes(folder / "a.png", whole.substr(0, whole.size() - 12));
  EXPECT_EQ(read_with_warnings(folder / "a.png").warnings.size(), 1U);
  EXPECT_NE(strict_error(folder / "a.png").find("no end marker"), std::string::npos);
}

TEST(ImageFileSource, GivesASingleImageOnce) {
  const std::vector<Frame> frames = read_all(fixture("oriented_6.jpg"));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].width, 32);
}

}  // namespace
}  // namespace streamdiffusion::testing
