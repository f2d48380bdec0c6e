// Tests of videos that are damaged, cut short or begin late.

#include <algorithm>

#include "joined_recording.h"
#include "read_source.h"
#include "sounding_video.h"

namespace streamdiffusion::tests {
namespace {

/// Tests with a clip of 40 frames in each container.
class EveryInput : public testing::TestWithParam<const char*> {
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
INSTANTIATE_TEST_SUITE_P(Containers, EveryInput, testing::Values("mp4", "mov", "mkv", "webm", "gif", "avi"));

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

}  // namespace
}  // namespace streamdiffusion::tests
