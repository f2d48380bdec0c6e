// Compares the length of an output and of its sound with those of the input.

#include <numeric>

#include "sounding_video.h"
#include "support.h"

namespace streamdiffusion::tests {
namespace {

/// Writes frames at 0, 0.1 and 0.2 s, the last of which lasts 2 s.
void write_with_long_last_frame(const std::string& file, const std::string& codec = "") {
  SinkOptions options = sink_options(file, 64, 48);
  options.frame_rate = 10;
  options.variable_frame_rate = true;
  options.codec = codec;
  const auto sink = open_sink(options);
  for (int i = 0; i < 3; ++i) {
    Frame frame = gradient_frame(64, 48, i);
    frame.time = std::chrono::milliseconds(100 * i);
    sink->write(frame);
  }
  sink->note_source_end(std::chrono::seconds(2));
  sink->finish();
}

/// Copies a video as the command `run` does if it is not stopped. Returns the warnings.
std::vector<std::string> copy_with_its_length(const std::string& from, const std::string& to) {
  std::vector<std::string> warnings;
  const auto on_warning = [&](const std::string& text) { warnings.push_back(text); };
  SourceOptions input;
  input.input = from;
  input.on_warning = on_warning;
  const auto source = open_source(input);
  SinkOptions options = sink_options(to, source->info().width, source->info().height);
  options.frame_rate = source->info().frame_rate;
  options.variable_frame_rate = true;
  if (source->info().has_audio) options.audio_from = from;
  options.on_warning = on_warning;
  const auto sink = open_sink(options);
  Frame frame;
  while (source->read(frame)) sink->write(frame);
  sink->note_source_end(source->last_duration());
  sink->finish();
  return warnings;
}

/// The seconds from the first frame to the end of the last one, as the container states.
double length_of(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const AVStream& stream = *find_video_stream(*input);
  const double tick = av_q2d(stream.time_base);
  double begin = 1e9;
  double end = 0;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == stream.index) {
      begin = std::min(begin, static_cast<double>(packet->pts) * tick);
      end = std::max(end, static_cast<double>(packet->pts + packet->duration) * tick);
    }
    av_packet_unref(packet.get());
  }
  const std::string_view format = input->iformat->name;
  if (format.starts_with("matroska")) return static_cast<double>(input->duration) * 1e-6;
  return format.starts_with("mov") ? static_cast<double>(stream.duration) * tick : end - begin;
}

class EveryOutputWithALongLastFrame : public testing::TestWithParam<const char*> {};

TEST_P(EveryOutputWithALongLastFrame, LastsAsLongAsTheInput) {
  const ScratchFolder folder;
  const std::string to = folder / (std::string("out.") + GetParam());
  for (const char* name : {"in.gif", "in.apng", "in.mov"}) {
    write_with_long_last_frame(folder / name);
    EXPECT_NEAR(length_of(folder / name), 2.2, 0.011);
    copy_with_its_length(folder / name, to);
    EXPECT_NEAR(length_of(to), 2.2, 0.11) << name;
  }
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryOutputWithALongLastFrame,
                         testing::Values("mp4", "mov", "mkv", "webm", "gif", "apng", "avi"));

TEST(VideoSource, TellsHowLongItsLastFrameIsShown) {
  const ScratchFolder folder;
  const auto last_duration = [](const std::string& file) {
    SourceOptions options;
    options.input = file;
    const auto source = open_source(options);
    Frame frame;
    while (source->read(frame)) {
    }
    return static_cast<double>(source->last_duration().count()) / 1e6;
  };
  using Video = std::pair<const char*, const char*>;
  for (const auto& [name, codec] :
       {Video{"a.gif", ""}, {"a.apng", ""}, {"a.mp4", ""}, {"a.mp4", "mpeg4"}, {"a.mov", ""}}) {
    write_with_long_last_frame(folder / name, codec);
    EXPECT_NEAR(last_duration(folder / name), 2, 0.011) << name << codec;
  }
  // If the frame rate is merely the container's tick, FFmpeg sets a missing duration to one tick.
  EXPECT_EQ(last_duration(fixture("browser.webm")), 0);
}

TEST(VideoSink, KeepsSoundThatGoesOnBehindTheLastFrame) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 5, {{"aac", 48'000, "stereo", 0, 3}}); }
  for (const char* to : {"out.mp4", "out.mkv", "out.webm", "out.avi", "out.ts"}) {
    EXPECT_EQ(copy_with_its_length(folder / "in.mkv", folder / to), std::vector<std::string>{}) << to;
    EXPECT_NEAR(sound_of(folder / to).last_loud_end, 3, 0.06) << to;
  }
}

TEST(VideoSink, FillsSoundUpWithSilenceWhereTheContainerEndsWithIt) {
  const ScratchFolder folder;
  const std::string to = folder / "out.mxf";
  for (const double end : {0.6, 1.5}) {
    { const SoundingVideo video(folder / "in.mkv", 30, {{"aac", 44'100, "stereo", 0, end}}); }
    EXPECT_EQ(copy_with_its_length(folder / "in.mkv", to), std::vector<std::string>{});
    EXPECT_NEAR(length_of(to), 3, 0.051) << end;
    const SoundFacts sound = sound_of(to);
    EXPECT_EQ(sound.rate, 48'000);
    EXPECT_NEAR(sound.last_loud_end, end, 0.06);
    EXPECT_GE(sound.end, 2.9);
  }
}

TEST(VideoSink, WritesSoundAsContainersOfBroadcastTakeIt) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 10, {{"aac", 44'100, "mono", 0, 0.6}}); }
  for (const auto& [name, channels] : {std::pair{"out.dv", 2}, std::pair{"out.gxf", 1}}) {
    SinkOptions options = sink_options(folder / name, 720, 576);
    options.frame_rate = 10;
    options.variable_frame_rate = true;
    options.audio_from = folder / "in.mkv";
    options.on_warning = [](const std::string& text) { ADD_FAILURE() << text; };
    const auto sink = open_sink(options);
    Frame frame = plain_frame(720, 576, kRed);
    for (int i = 0; i < 10; ++i) {
      frame.time = std::chrono::milliseconds(100 * i);
      sink->write(frame);
    }
    sink->finish();
    EXPECT_NEAR(static_cast<double>(read_all(options.output).size()), 25, 5) << name;
    const SoundFacts sound = sound_of(options.output);
    EXPECT_EQ(sound.channels, channels) << name;
    EXPECT_NEAR(sound.last_loud_end, 0.6, 0.1) << name;  // GXF's packets last 0.68 s.
  }
}

TEST(VideoSink, SaysThatAContainerCannotHoldSoundBehindTheLastFrame) {
  const ScratchFolder folder;
  { const SoundingVideo video(folder / "in.mkv", 5, {{"aac", 48'000, "stereo", 0, 3}}); }
  const std::vector<std::string> warnings = copy_with_its_length(folder / "in.mkv", folder / "out.mxf");
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_NE(warnings[0].find("behind the last frame"), std::string::npos) << warnings[0];
  EXPECT_NEAR(length_of(folder / "out.mxf"), 0.5, 0.051);
}

TEST(VideoSink, TellsOfFramesThatComeAtOneTime) {
  const ScratchFolder folder;
  for (const bool strict : {false, true}) {
    std::vector<std::string> warnings;
    SinkOptions options = sink_options(folder / "a.mkv");
    options.variable_frame_rate = true;
    options.strict = strict;
    options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
    const auto sink = open_sink(options);
    for (int i = 0; i < 10; ++i) sink->write(gradient_frame(64, 48, i));
    if (strict) {
      EXPECT_NE(error_of([&] { sink->finish(); }).find("a.mkv"), std::string::npos);
      continue;
    }
    sink->finish();
    ASSERT_EQ(warnings.size(), 1U);
    EXPECT_NE(warnings[0].find("7 frames"), std::string::npos) << warnings[0];
  }
}

}  // namespace
}  // namespace streamdiffusion::tests
