// Tests of the colours of videos, and of warnings about colours that are not converted exactly.

#include <map>

#include "read_source.h"

namespace streamdiffusion::tests {
namespace {

class EveryMatrixAndRange : public testing::TestWithParam<const char*> {};

TEST_P(EveryMatrixAndRange, GivesTheSameColours) {
  const std::vector<Frame> frames = read_all(fixture(GetParam()));
  ASSERT_EQ(frames.size(), 3U);
  for (const Frame& frame : frames) expect_scene(frame, 5);
}
INSTANTIATE_TEST_SUITE_P(Videos, EveryMatrixAndRange,
                         testing::Values("bt601_limited.mp4", "bt601_full.mp4", "bt709_limited.mp4",
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

}  // namespace
}  // namespace streamdiffusion::tests
