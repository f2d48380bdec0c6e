#include "media/container_end.h"

#include <map>

#include "sounding_video.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

/// A video in a container, with FFmpeg's options for it.
struct Container {
  std::string file;
  std::map<std::string, std::string> options = {};
  std::string codec = {};
};
void PrintTo(const Container& container, std::ostream* out) { *out << container.file; }

std::string write_video(const ScratchFolder& folder, const Container& container) {
  SinkOptions options = sink_options(folder / container.file);
  options.codec = container.codec;
  options.ffmpeg_options = container.options;
  write_clip(options, 40);
  return options.output;
}

std::vector<std::string> source_warnings_of(const std::string& file) {
  std::vector<std::string> warnings;
  SourceOptions options;
  options.input = file;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  read_all(options);
  return warnings;
}

/// Sets the sizes of an AVI's RIFF and of its list of frames to `size`, as recordings that were never
/// finished have them.
void forget_sizes_of_avi(const std::string& file, char size) {
  std::string bytes = read_bytes(file);
  for (const std::size_t at : {std::size_t{4}, bytes.find("movi") - 4}) bytes.replace(at, 4, 4, size);
  write_bytes(file, bytes);
}

const Container kFragments{"a.mp4", {{"movflags", "frag_keyframe+empty_moov"}, {"g", "10"}}, "mpeg4"};
const Container kLive{"a.mkv", {{"live", "1"}}, "mpeg4"};

class EveryContainer : public testing::TestWithParam<Container> {};

TEST_P(EveryContainer, TellsWhereItIsCutShort) {
  const ScratchFolder folder;
  const std::string file = write_video(folder, GetParam());
  EXPECT_EQ(examine_end(file), ContainerEnd::whole);
  EXPECT_EQ(source_warnings_of(file), std::vector<std::string>{});
  const std::string bytes = read_bytes(file);
  for (const std::size_t percent : {55, 80, 95}) {
    write_bytes(file, bytes.substr(0, bytes.size() * percent / 100));
    EXPECT_EQ(examine_end(file), ContainerEnd::cut_short) << percent;
    EXPECT_FALSE(source_warnings_of(file).empty()) << percent;
  }
}

TEST_P(EveryContainer, IsWholeWithOtherBytesBehindItsEnd) {
  const ScratchFolder folder;
  const std::string file = write_video(folder, GetParam());
  const std::string bytes = read_bytes(file);
  for (const std::string& junk : {std::string("\n"), std::string(5000, '\0'),
                                  std::string("Written by hand, "), std::string(300, '\xFF')}) {
    write_bytes(file, bytes + junk);
    EXPECT_EQ(examine_end(file), ContainerEnd::whole) << junk.substr(0, 5);
  }
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryContainer,
                         testing::Values(Container{"a.avi", {}, "mpeg4"}, Container{"a.wmv", {}, "msmpeg4"},
                                         Container{"a.flv", {}, "flv"}, Container{"a.mkv", {}, "mpeg4"},
                                         Container{"a.mp4", {}, "mpeg4"}, kLive, kFragments));

TEST(ContainerEnd, KnowsTheEndOfAnAviThatDoesNotKnowItsSize) {
  const ScratchFolder folder;
  for (const char size : {'\0', '\xFF'}) {
    const std::string file = write_video(folder, {"a.avi", {}, "mpeg4"});
    forget_sizes_of_avi(file, size);
    EXPECT_EQ(examine_end(file), ContainerEnd::whole);
    EXPECT_EQ(source_warnings_of(file), std::vector<std::string>{});
    const std::string bytes = read_bytes(file);
    write_bytes(file, bytes.substr(0, bytes.find("idx1") - 10));
    EXPECT_EQ(examine_end(file), ContainerEnd::cut_short);
  }
}

TEST(ContainerEnd, TakesAnAviInSeveralPartsForWhole) {
  const ScratchFolder folder;
  const std::string file = write_video(folder, {"a.avi", {}, "mpeg4"});
  const std::string part("RIFF\x1C\0\0\0AVIXLIST\x10\0\0\0movi00dc\x04\0\0\0data", 36);
  write_bytes(file, read_bytes(file) + part);
  EXPECT_EQ(examine_end(file), ContainerEnd::whole);
  write_bytes(file, read_bytes(file).substr(0, std::filesystem::file_size(file) - 2));
  EXPECT_EQ(examine_end(file), ContainerEnd::cut_short);
}

TEST(ContainerEnd, TakesAnAviWithoutIndexForWhole) {
  const ScratchFolder folder;
  const std::string file = write_video(folder, {"a.avi", {}, "mpeg4"});
  const std::string bytes = read_bytes(file);
  write_bytes(file, bytes.substr(0, bytes.find("idx1")));
  EXPECT_EQ(source_warnings_of(file), std::vector<std::string>{});
}

TEST(ContainerEnd, TellsOfASecondRecordingThatIsNotRead) {
  const ScratchFolder folder;
  for (const Container& container : {Container{"a.mp4"}, Container{"a.flv", {}, "flv"}, Container{"a.wmv"}}) {
    const std::string file = write_video(folder, container);
    write_bytes(file, read_bytes(file) + read_bytes(file));
    const std::vector<std::string> warnings = source_warnings_of(file);
    ASSERT_EQ(warnings.size(), 1U) << file;
    EXPECT_NE(warnings[0].find("second recording"), std::string::npos) << warnings[0];
  }
}

TEST(ContainerEnd, IsNoSecondRecordingWhereFfmpegReadsIt) {
  const ScratchFolder folder;
  for (const Container& container : {Container{"a.avi", {}, "mpeg4"}, kLive, kFragments}) {
    const std::string file = write_video(folder, container);
    write_bytes(file, read_bytes(file) + read_bytes(file));
    EXPECT_EQ(examine_end(file), ContainerEnd::whole) << file;
  }
}

}  // namespace
}  // namespace streamdiffusion::tests
