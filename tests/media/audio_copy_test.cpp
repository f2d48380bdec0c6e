#include "media/audio_copy.h"

#include <cmath>

#include "joined_recording.h"
#include "sounding_video.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

double flash_of(const std::string& file) {
  for (const Frame& frame : read_all(file)) {
    if (frame.pixels[0] > 128) return static_cast<double>(frame.time.count()) / 1e6;
  }
  return -1;
}

void copy_video(const std::string& from, SinkOptions options, std::size_t first_frame, std::size_t frames) {
  options.audio_from = from;
  const auto sink = open_sink(options);
  const std::vector<Frame> all = read_all(from);
  for (std::size_t i = first_frame; i < std::min(all.size(), first_frame + frames); ++i) sink->write(all[i]);
  sink->finish();
}

struct Way {
  const char* extension;
  const char* codec;
};
class EveryWay : public testing::TestWithParam<Way> {};

// Tolerance in seconds: an audio packet is up to 26 ms long. The fixture's flash and beep come 1 s after the
// first frame, on a clock that starts at 8.4 s.
constexpr double kPacket = 0.03;

TEST_P(EveryWay, KeepsAudioInStep) {
  const ScratchFolder folder;
  const std::string file = folder / (std::string("out.") + GetParam().extension);
  copy_video(fixture("flash_and_beep.ts"), sink_options(file, 48, 32), 0, 1000);
  const SoundFacts audio = sound_of(file);
  EXPECT_EQ(audio.codec, GetParam().codec);
  EXPECT_NEAR(flash_of(file), 1, 0.041);
  EXPECT_NEAR(audio.loud_begin, 1, kPacket);
  EXPECT_NEAR(audio.end, 1.6, 2 * kPacket);
}

TEST_P(EveryWay, CutsAudioToTheVideo) {
  const ScratchFolder folder;
  const std::string file = folder / (std::string("out.") + GetParam().extension);
  // Copies 20 frames from frame 10 on: 0.4 s to 1.2 s of the source.
  copy_video(fixture("flash_and_beep.ts"), sink_options(file, 48, 32), 10, 20);
  const SoundFacts audio = sound_of(file);
  EXPECT_NEAR(flash_of(file), 0.6, 0.041);
  EXPECT_NEAR(audio.loud_begin, 0.6, kPacket);
  EXPECT_NEAR(audio.end, 0.8, 2 * kPacket);
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryWay,
                         testing::Values(Way{"mp4", "aac"}, Way{"mkv", "aac"}, Way{"webm", "opus"}));

TEST(AudioCopy, LeavesOutputsWithoutAudioAlone) {
  const ScratchFolder folder;
  copy_video(fixture("flash_and_beep.ts"), sink_options(folder / "out.gif", 48, 32), 0, 5);
  EXPECT_EQ(read_all(folder / "out.gif").size(), 5U);
  EXPECT_EQ(sound_of(folder / "out.gif").codec, "");
}

TEST(AudioCopy, MakesNothingOfInputsWithoutAudio) {
  const ScratchFolder folder;
  copy_video(fixture("untagged.mp4"), sink_options(folder / "a.mp4", 48, 32), 0, 5);
  copy_video(fixture("plain.png"), sink_options(folder / "b.mp4", 48, 32), 0, 5);
  EXPECT_EQ(sound_of(folder / "a.mp4").codec, "");
  EXPECT_EQ(sound_of(folder / "b.mp4").codec, "");
  SinkOptions options = sink_options(folder / "c.mp4", 48, 32);
  options.audio_from = folder / "missing.mp4";
  EXPECT_THROW(open_sink(options), Error);
}

struct Route {
  const char* from;  ///< Extension of the input.
  Tone tone;
  const char* to;  ///< Extension of the output.
  const char* codec;
  int channels;
};
void PrintTo(const Route& route, std::ostream* stream) {
  *stream << route.tone.encoder << " " << route.tone.rate << " " << route.tone.layout << " in " << route.from
          << " to " << route.to;
}
class EveryRoute : public testing::TestWithParam<Route> {};

TEST_P(EveryRoute, LosesNoSound) {
  const ScratchFolder folder;
  const std::string from = folder / (std::string("in.") + GetParam().from);
  const std::string to = folder / (std::string("out.") + GetParam().to);
  { const SoundingVideo video(from, 10, {GetParam().tone}); }
  EXPECT_EQ(redraw(from, to), std::vector<std::string>{});
  EXPECT_EQ(read_all(to).size(), 10U);
  const SoundFacts sound = sound_of(to);
  EXPECT_EQ(sound.codec, GetParam().codec);
  EXPECT_EQ(sound.channels, GetParam().channels);
  EXPECT_LT(sound.longest_gap, 0.005);
  EXPECT_NEAR(sound.begin, 0, 0.05);
  EXPECT_NEAR(sound.loud, 1, 0.15);
  EXPECT_NEAR(sound.end, 1, 0.15);
}
INSTANTIATE_TEST_SUITE_P(Transcoded, EveryRoute,
                         testing::Values(
                             // The decoder's frames differ in length from the encoder's.
                             Route{"mp4", {"aac", 16'000, "mono"}, "webm", "opus", 1},
                             Route{"mp4", {"aac", 24'000, "stereo"}, "webm", "opus", 2},
                             Route{"mkv", {"ac3", 48'000, "stereo"}, "webm", "opus", 2},
                             Route{"mkv", {"libmp3lame", 22'050, "stereo"}, "webm", "opus", 2},
                             // The decoder returns its last samples without a time.
                             Route{"wmv", {"wmav2", 44'100, "stereo"}, "mp4", "aac", 2},
                             // The muxer refuses the codec though FFmpeg lists it.
                             Route{"mov", {"pcm_s16be", 44'100, "stereo"}, "flv", "mp3", 2},
                             Route{"mkv", {"libmp3lame", 8'000, "mono"}, "mp4", "aac", 1},
                             // Low sample rates, at which encoders limit the bit rate.
                             Route{"mov", {"pcm_mulaw", 8'000, "mono"}, "ogv", "vorbis", 1},
                             Route{"mov", {"pcm_alaw", 8'000, "mono"}, "webm", "opus", 1},
                             Route{"mov", {"pcm_s16le", 11'025, "stereo"}, "avi", "pcm_s16le", 2},
                             Route{"mov", {"pcm_u8", 8'000, "mono"}, "mp4", "aac", 1},
                             // Channel layouts that the encoder does not take.
                             Route{"mkv", {"flac", 48'000, "5.1(side)"}, "webm", "opus", 6},
                             Route{"mkv", {"flac", 44'100, "7.1"}, "flv", "mp3", 2},
                             Route{"mkv", {"flac", 48'000, "7.1"}, "webm", "opus", 8},
                             // 24 bits, which are decoded to 32.
                             Route{"mov", {"pcm_s24le", 96'000, "stereo"}, "webm", "opus", 2}));
INSTANTIATE_TEST_SUITE_P(Copied, EveryRoute,
                         testing::Values(Route{"mov", {"pcm_mulaw", 8'000, "mono"}, "mkv", "pcm_mulaw", 1},
                                         Route{"mp4", {"aac", 44'100, "stereo"}, "mov", "aac", 2},
                                         Route{"avi", {"aac", 44'100, "stereo"}, "avi", "aac", 2},
                                         Route{"mkv", {"flac", 44'100, "stereo"}, "mkv", "flac", 2},
                                         Route{"mkv", {"libopus", 48'000, "stereo"}, "webm", "opus", 2},
                                         Route{"mkv", {"libvorbis", 44'100, "stereo"}, "ogv", "vorbis", 2},
                                         Route{"wmv", {"wmav2", 44'100, "stereo"}, "wmv", "wmav2", 2},
                                         Route{"wmv", {"libmp3lame", 44'100, "stereo"}, "asf", "mp3", 2},
                                         Route{"mp4", {"libmp3lame", 44'100, "stereo"}, "mp4", "mp3", 2},
                                         // FFmpeg's encoder names a bit rate that its blocks do not have.
                                         Route{"avi", {"adpcm_ms", 22'050, "mono"}, "avi", "adpcm_ms", 1},
                                         // Packets are shorter than the container's tick.
                                         Route{"mkv", {"truehd", 48'000, "stereo"}, "mkv", "truehd", 2}));

TEST(AudioCopy, SoundThatBeginsLateAndEndsEarlyStaysInStep) {
  const ScratchFolder folder;
  // AVI has no times for sound, so silence has to fill the gaps.
  for (const char* to : {"out.mp4", "out.mkv", "out.webm", "out.avi"}) {
    { const SoundingVideo video(folder / "in.mkv", 20, {{"aac", 48'000, "stereo", 0.8, 1.4}}); }
    EXPECT_EQ(redraw(folder / "in.mkv", folder / to), std::vector<std::string>{});
    const SoundFacts sound = sound_of(folder / to);
    EXPECT_NEAR(sound.loud_begin, 0.8, 0.05) << to;
    EXPECT_NEAR(sound.loud, 0.6, 0.1) << to;
    EXPECT_EQ(read_all(folder / to).size(), 20U) << to;
  }
}

TEST(AudioCopy, CopiedSoundThatBeginsLateStaysInStep) {
  struct Late {
    const char* from;
    const char* encoder;
    const char* to;
  };
  for (const Late& late : {Late{"in.mkv", "libopus", "out.webm"}, Late{"in.mkv", "libvorbis", "out.ogv"},
                           Late{"in.wmv", "wmav2", "out.wmv"}, Late{"in.mp4", "libmp3lame", "out.mp4"}}) {
    SCOPED_TRACE(late.to);
    const ScratchFolder folder;
    { const SoundingVideo video(folder / late.from, 20, {{late.encoder, 48'000, "stereo", 0.8, 1.4}}); }
    EXPECT_EQ(redraw(folder / late.from, folder / late.to), std::vector<std::string>{});
    const SoundFacts sound = sound_of(folder / late.to);
    EXPECT_NEAR(sound.loud_begin, 0.8, 0.06);  // A packet of WMA is 43 ms long.
    EXPECT_NEAR(sound.loud, 0.6, 0.1);
    EXPECT_EQ(read_all(folder / late.to).size(), 20U);
  }
}

TEST(AudioCopy, SoundThatBeginsLateStaysInStepInContainersWithoutTimesForIt) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 50, {{"pcm_s16le", 48'000, "stereo", 2, 5}}); }
  for (const char* to : {"out.mxf", "out.avi"}) {
    SinkOptions options = sink_options(folder / to, 64, 48);
    options.frame_rate = 25;
    options.audio_from = folder / "in.mkv";
    const auto sink = open_sink(options);
    for (int i = 0; i < 125; ++i) sink->write(plain_frame(64, 48, kRed));
    sink->finish();
    EXPECT_EQ(read_all(folder / to).size(), 125U) << to;
    const SoundFacts sound = sound_of(folder / to);
    EXPECT_EQ(sound.codec, "pcm_s16le") << to;
    EXPECT_NEAR(sound.loud_begin, 2, 0.05) << to;
  }
}

TEST(AudioCopy, SoundThatBeginsAfterFFmpegHasLookedForItIsFound) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.ts", 120, {{"aac", 48'000, "stereo", 11, 12}}); }
  SourceOptions source;
  source.input = folder / "in.ts";
  EXPECT_TRUE(open_source(source)->info().has_audio);
  EXPECT_EQ(redraw(folder / "in.ts", folder / "out.mp4"), std::vector<std::string>{});
  const SoundFacts sound = sound_of(folder / "out.mp4");
  EXPECT_NEAR(sound.loud_begin, 11, 0.05);
  EXPECT_NEAR(sound.loud, 1, 0.1);
}

TEST(AudioCopy, SaysHowMuchSoundBeforeTheFirstFrameIsLeftOut) {
  const ScratchFolder folder;
  const std::string from = folder / "in.mkv";
  const std::string to = folder / "out.mkv";
  { const SoundingVideo video(from, 10, {{"aac", 48'000, "stereo", 0, 2}}, 10); }
  const std::vector<std::string> warnings = redraw(from, to);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(warnings[0].starts_with("1.0")) << warnings[0];
  EXPECT_NE(warnings[0].find("before the first frame"), std::string::npos) << warnings[0];
  EXPECT_NEAR(sound_of(to).end, 1, 0.05);
  SinkOptions options = sink_options(to, 64, 48);
  options.audio_from = from;
  options.strict = true;
  const auto sink = open_sink(options);
  const Frame frame = plain_frame(64, 48, kRed);
  EXPECT_NE(error_of([&] {
              sink->write(frame);
              sink->finish();
            }).find("before the first frame"),
            std::string::npos);
}

TEST(AudioCopy, SoundThatGoesOnAfterTheVideoIsCut) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 5, {{"aac", 48'000, "stereo", 0, 3}}); }
  for (const char* to : {"out.mp4", "out.webm"}) {
    EXPECT_EQ(redraw(folder / "in.mkv", folder / to), std::vector<std::string>{});
    EXPECT_NEAR(sound_of(folder / to).end, 0.5, 0.05) << to;
  }
}

TEST(AudioCopy, GoesOnWithTheVideoWhereTransportStreamsWereJoined) {
  const ScratchFolder folder;
  for (const double second_begin : {10.0, 3.0, 3610.0}) {
    const std::string from = joined_recording(folder, {10, second_begin});
    for (const char* to : {"out.mp4", "out.webm"}) {
      copy_video(from, sink_options(folder / to, 48, 32), 0, 1000);
      const SoundFacts sound = sound_of(folder / to);
      EXPECT_NEAR(sound.end, 3.2, 0.1) << to << second_begin;
      EXPECT_NEAR(sound.loud_begin, 1, 0.05) << to << second_begin;
      // The recording of 1.6 s beeps 1 s after its beginning.
      EXPECT_NEAR(sound.last_loud_end, 2.7, 0.1) << to << second_begin;
    }
  }
}

TEST(AudioCopy, SaysWhyThereIsNoSoundAndWritesTheVideo) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 3, {{"libmp3lame", 44'100, "stereo"}}); }
  // Replaces the codec's name by one that no FFmpeg knows.
  std::string bytes = read_bytes(folder / "in.mkv");
  const std::size_t name = bytes.find("A_MPEG/L3");
  ASSERT_NE(name, std::string::npos);
  bytes.replace(name, 9, "A_XXXX/L3");
  write_bytes(folder / "in.mkv", bytes);
  const std::vector<std::string> warnings = redraw(folder / "in.mkv", folder / "out.mp4");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("without sound"), std::string::npos) << warnings[0];
  EXPECT_NE(warnings[0].find("in.mkv"), std::string::npos) << warnings[0];
  EXPECT_EQ(sound_of(folder / "out.mp4").codec, "");
  EXPECT_EQ(read_all(folder / "out.mp4").size(), 3U);
  SinkOptions options = sink_options(folder / "strict.mp4", 64, 48);
  options.audio_from = folder / "in.mkv";
  options.strict = true;
  EXPECT_NE(error_of([&] { open_sink(options); }).find("in.mkv"), std::string::npos);
}

TEST(AudioCopy, SaysThatTheSoundOfAPipeIsLeftOut) {
  const ScratchFolder folder;
  std::vector<std::string> warnings;
  SinkOptions options = sink_options(folder / "out.gif", 64, 48);
  options.audio_from = "-";
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  write_clip(options, 3);
  EXPECT_EQ(warnings, std::vector<std::string>{}) << "a GIF holds no sound";
  options.output = folder / "out.mp4";
  write_clip(options, 3);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("the sound of standard input is left out"), std::string::npos) << warnings[0];
  options.strict = true;
  EXPECT_NE(error_of([&] { open_sink(options); }).find("standard input"), std::string::npos);
}

TEST(AudioCopy, TakesAnotherTrackWhereTheBestCannotBeUsed) {
  const ScratchFolder folder;
  {
    const SoundingVideo video(folder / "in.mkv", 10,
                              {{"libmp3lame", 44'100, "stereo"}, {"aac", 22'050, "mono", 0, 1}});
  }
  std::string bytes = read_bytes(folder / "in.mkv");
  bytes.replace(bytes.find("A_MPEG/L3"), 9, "A_XXXX/L3");
  write_bytes(folder / "in.mkv", bytes);
  EXPECT_EQ(redraw(folder / "in.mkv", folder / "out.mp4"), std::vector<std::string>{});
  EXPECT_EQ(sound_of(folder / "out.mp4").rate, 22'050);
}

TEST(AudioCopy, KeepsWhatCanBeDecodedOfDamagedSound) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mp4", 20, {{"aac", 44'100, "stereo", 0, 2}}); }
  std::string bytes = read_bytes(folder / "in.mp4");
  const std::size_t begin = bytes.find("mdat") + 4;
  const std::size_t length = bytes.find("moov") - begin;
  for (const std::size_t place : {begin + length / 4, begin + length / 2, begin + length * 3 / 4}) {
    for (std::size_t i = place; i < place + 800; ++i) bytes[i] = static_cast<char>(i * 37);
  }
  write_bytes(folder / "in.mp4", bytes);
  const std::vector<std::string> warnings = redraw(folder / "in.mp4", folder / "out.webm");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("in.mp4"), std::string::npos) << warnings[0];
  EXPECT_GE(read_all(folder / "out.webm").size(), 15U);
  const SoundFacts sound = sound_of(folder / "out.webm");
  EXPECT_LT(sound.longest_gap, 0.005) << "silence stands for what is lost";
  EXPECT_GT(sound.loud, 1.2);
  EXPECT_GT(sound.end, 1.7);
}

}  // namespace
}  // namespace streamdiffusion::tests
