// The sound of MP4 files whose edit lists leave out parts, as phones write them when a video is trimmed.

#include "media/audio_copy.h"
#include "sounding_video.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

/// A part of a file that its edit list shows.
struct ShownPart {
  double begin = 0;   ///< Seconds from the start of the file.
  double length = 0;  ///< Seconds.
};

std::string four_bytes(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

std::uint32_t four_bytes_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  return value;
}

/// Replaces the edit lists of all tracks of an MP4 that FFmpeg wrote. Each has one edit before.
void set_edits(const std::string& file, const std::vector<ShownPart>& parts) {
  constexpr std::size_t kBoxHead = 8;      // Size and name.
  constexpr std::size_t kOldList = 36;     // An `edts` box with one edit.
  constexpr std::size_t kOldStart = 28;    // Place of the edit's start in the `edts` box.
  constexpr std::size_t kTicksPlace = 16;  // Place of the ticks a second behind the start of the name `mdhd`.
  constexpr std::uint32_t kFileTicks = 1000;  // FFmpeg's `mvhd` counts milliseconds.
  std::string bytes = read_bytes(file);
  const std::size_t index = bytes.rfind("moov");
  ASSERT_NE(index, std::string::npos);
  for (std::size_t name = bytes.find("edts", index); name != std::string::npos;
       name = bytes.find("edts", name + 4)) {
    const std::size_t list = name - 4;
    ASSERT_EQ(four_bytes_at(bytes, list), kOldList);
    const std::uint32_t start = four_bytes_at(bytes, list + kOldStart);
    const std::uint32_t ticks = four_bytes_at(bytes, bytes.find("mdhd", name) + kTicksPlace);
    std::string edits = four_bytes(0) + four_bytes(static_cast<std::uint32_t>(parts.size()));
    for (const ShownPart& part : parts) {
      edits += four_bytes(static_cast<std::uint32_t>(std::lround(part.length * kFileTicks)));
      edits += four_bytes(start + static_cast<std::uint32_t>(std::lround(part.begin * ticks)));
      edits += four_bytes(1U << 16);  // Normal speed.
    }
    const auto size = static_cast<std::uint32_t>(edits.size() + 2 * kBoxHead);
    bytes.replace(list, kOldList,
                  four_bytes(size) + "edts" + four_bytes(size - std::uint32_t{kBoxHead}) + "elst" + edits);
    for (const std::size_t outer : {bytes.rfind("trak", list) - 4, index - 4}) {
      bytes.replace(outer, 4, four_bytes(four_bytes_at(bytes, outer) + size - std::uint32_t{kOldList}));
    }
  }
  write_bytes(file, bytes);
}

TEST(AudioCopy, LeavesOutTheSoundThatAnEditListCutsOut) {
  const ScratchFolder folder;
  const std::string from = folder / "in.mp4";
  { const SoundingVideo video(from, 30, {{"aac", 44'100, "stereo", 0, 3}}); }
  set_edits(from, {{.begin = 0, .length = 1}, {.begin = 2, .length = 1}});
  ASSERT_EQ(read_all(from).size(), 20U);
  for (const char* to : {"out.mp4", "out.mkv", "out.webm"}) {
    EXPECT_EQ(redraw(from, folder / to), std::vector<std::string>{}) << to;
    const SoundFacts sound = sound_of(folder / to);
    EXPECT_NEAR(sound.loud, 2, 0.1) << to;
    EXPECT_NEAR(sound.end, 2, 0.1) << to;
    EXPECT_LT(sound.longest_gap, 0.05) << to;
  }
}

TEST(AudioCopy, WarnsNotOfSoundThatAnEditListCutsOffAtTheBeginning) {
  const ScratchFolder folder;
  const std::string from = folder / "in.mp4";
  { const SoundingVideo video(from, 30, {{"aac", 44'100, "stereo", 0, 3}}); }
  set_edits(from, {{.begin = 1, .length = 2}});
  for (const char* to : {"out.mp4", "out.webm"}) {
    EXPECT_EQ(redraw(from, folder / to), std::vector<std::string>{}) << to;
    EXPECT_NEAR(sound_of(folder / to).loud, 2, 0.1) << to;
  }
}

}  // namespace
}  // namespace streamdiffusion::tests
