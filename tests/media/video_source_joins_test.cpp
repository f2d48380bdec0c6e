// Tests of recordings that were joined, and of transport streams whose packets are missing.

#include <algorithm>

#include "joined_recording.h"
#include "read_source.h"

namespace streamdiffusion::tests {
namespace {

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

class EveryTransportStream : public testing::TestWithParam<const char*> {
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
INSTANTIATE_TEST_SUITE_P(Codecs, EveryTransportStream, testing::Values("libx264", "mpeg2video", "libx265"));

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

}  // namespace
}  // namespace streamdiffusion::tests
