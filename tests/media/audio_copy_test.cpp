#include "media/audio_copy.h"

#include <cmath>

#include "media/video_input.h"
#include "support.h"

namespace streamdiffusion::testing {
namespace {

/// When the beep begins, and when the audio ends, in seconds after the first frame. The codec's name.
struct AudioFacts {
  std::string codec;
  double beep = -1;
  double end = 0;
};

double loudest(const AVFrame& samples) {
  double loudest = 0;
  for (int i = 0; i < samples.nb_samples; ++i) {
    switch (samples.format) {
      case AV_SAMPLE_FMT_FLTP:
      case AV_SAMPLE_FMT_FLT:
        loudest = std::max(loudest, std::abs(double{reinterpret_cast<const float*>(samples.data[0])[i]}));
        break;
      case AV_SAMPLE_FMT_S16P:
      case AV_SAMPLE_FMT_S16:
        loudest =
            std::max(loudest, std::abs(reinterpret_cast<const std::int16_t*>(samples.data[0])[i] / 32768.0));
        break;
      default:
        ADD_FAILURE() << "unexpected sample format "
                      << av_get_sample_fmt_name(static_cast<AVSampleFormat>(samples.format));
    }
  }
  return loudest;
}

AudioFacts audio_of(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const int index = av_find_best_stream(input.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (index < 0) return {};
  const AVStream& stream = *input->streams[index];
  AudioFacts facts{.codec = avcodec_get_name(stream.codecpar->codec_id)};
  const ffmpeg::Codec decoder = ffmpeg::open_decoder(*stream.codecpar, 1, file);
  decoder->pkt_timebase = stream.time_base;
  const double origin = static_cast<double>(start_time(*find_video_stream(*input))) / 1e6;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  const ffmpeg::Picture samples = ffmpeg::make_picture();
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == index) {
      ffmpeg::check(avcodec_send_packet(decoder.get(), packet.get()), file);
      while (avcodec_receive_frame(decoder.get(), samples.get()) >= 0) {
        const double time = static_cast<double>(samples->pts) * av_q2d(stream.time_base) - origin;
        if (facts.beep < 0 && loudest(*samples) > 0.3) facts.beep = time;
        facts.end = time + static_cast<double>(samples->nb_samples) / samples->sample_rate;
      }
    }
    av_packet_unref(packet.get());
  }
  return facts;
}

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
class EveryWay : public ::testing::TestWithParam<Way> {};

// One packet of audio is up to 26 ms long; the fixture's flash and beep come at 1 s on a clock that starts
// at 8.4 s.
constexpr double kPacket = 0.03;

TEST_P(EveryWay, KeepsAudioInStep) {
  const ScratchFolder folder;
  const std::string file = folder / (std::string("out.") + GetParam().extension);
  copy_video(fixture("flash_and_beep.ts"), sink_options(file, 48, 32), 0, 1000);
  const AudioFacts audio = audio_of(file);
  EXPECT_EQ(audio.codec, GetParam().codec);
  EXPECT_NEAR(flash_of(file), 1, 0.041);
  EXPECT_NEAR(audio.beep, 1, kPacket);
  EXPECT_NEAR(audio.end, 1.6, 2 * kPacket);
}

TEST_P(EveryWay, CutsAudioToTheVideo) {
  const ScratchFolder folder;
  const std::string file = folder / (std::string("out.") + GetParam().extension);
  // From frame 10 on, 20 frames: 0.4 s to 1.2 s of the source.
  copy_video(fixture("flash_and_beep.ts"), sink_options(file, 48, 32), 10, 20);
  const AudioFacts audio = audio_of(file);
  EXPECT_NEAR(flash_of(file), 0.6, 0.041);
  EXPECT_NEAR(audio.beep, 0.6, kPacket);
  EXPECT_NEAR(audio.end, 0.8, 2 * kPacket);
}
INSTANTIATE_TEST_SUITE_P(Containers, EveryWay,
                         ::testing::Values(Way{"mp4", "aac"}, Way{"mkv", "aac"}, Way{"webm", "opus"}));

TEST(AudioCopy, LeavesOutputsWithoutAudioAlone) {
  const ScratchFolder folder;
  copy_video(fixture("flash_and_beep.ts"), sink_options(folder / "out.gif", 48, 32), 0, 5);
  EXPECT_EQ(read_all(folder / "out.gif").size(), 5U);
  EXPECT_EQ(audio_of(folder / "out.gif").codec, "");
}

TEST(AudioCopy, MakesNothingOfInputsWithoutAudio) {
  const ScratchFolder folder;
  copy_video(fixture("untagged.mp4"), sink_options(folder / "a.mp4", 48, 32), 0, 5);
  copy_video(fixture("plain.png"), sink_options(folder / "b.mp4", 48, 32), 0, 5);
  EXPECT_EQ(audio_of(folder / "a.mp4").codec, "");
  EXPECT_EQ(audio_of(folder / "b.mp4").codec, "");
  SinkOptions options = sink_options(folder / "c.mp4", 48, 32);
  options.audio_from = folder / "missing.mp4";
  EXPECT_THROW(open_sink(options), Error);
}

}  // namespace
}  // namespace streamdiffusion::testing
