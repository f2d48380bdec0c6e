#pragma once

// Writes videos with sound of any kind for tests, and examines the sound of videos.

#include <cmath>
#include <numbers>

#include "media/supported_config.h"
#include "media/video_input.h"
#include "support.h"

namespace streamdiffusion::tests {

/// A tone on all channels.
struct Tone {
  std::string encoder = "aac";  ///< FFmpeg's name of the encoder.
  int rate = 44'100;            ///< Sample rate in Hz.
  std::string layout = "stereo";
  double begin = 0;  ///< Seconds.
  double end = 1;    ///< Seconds.
};

/// Writes a file with frames of changing colours, ten per second, and tones.
class SoundingVideo {
 public:
  /// `first_frame` is the time of the first frame in tenths of a second.
  SoundingVideo(const std::string& file, int frames, const std::vector<Tone>& tones, int first_frame = 0) {
    ffmpeg::check(avformat_alloc_output_context2(&output_, nullptr, nullptr, file.c_str()), file);
    add_image();
    for (const Tone& tone : tones) add_tone(tone);
    ffmpeg::check(avio_open(&output_->pb, file.c_str(), AVIO_FLAG_WRITE), file);
    ffmpeg::check(avformat_write_header(output_, nullptr), file);
    for (int i = first_frame; i < first_frame + frames; ++i) {
      write_image(i);
      for (std::size_t k = 0; k < tones.size(); ++k) write_tone(k, tones[k], 0.1 * (i + 1));
    }
    for (std::size_t k = 0; k < tones.size(); ++k) {
      write_tone(k, tones[k], 1e9);
      send(*tracks_[k + 1].codec, nullptr, k + 1);
    }
    send(*tracks_[0].codec, nullptr, 0);
    ffmpeg::check(av_write_trailer(output_), file);
    avio_closep(&output_->pb);
  }
  ~SoundingVideo() { avformat_free_context(output_); }
  SoundingVideo(const SoundingVideo&) = delete;
  SoundingVideo& operator=(const SoundingVideo&) = delete;

 private:
  struct Track {
    ffmpeg::Codec codec;
    std::int64_t samples = 0;
  };

  void add(ffmpeg::Codec codec) {
    if ((output_->oformat->flags & AVFMT_GLOBALHEADER) != 0) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    ffmpeg::check(avcodec_open2(codec.get(), codec->codec, nullptr), codec->codec->name);
    AVStream* stream = avformat_new_stream(output_, nullptr);
    ffmpeg::check(avcodec_parameters_from_context(stream->codecpar, codec.get()), "parameters");
    stream->time_base = codec->time_base;
    tracks_.push_back({std::move(codec)});
  }

  void add_image() {
    ffmpeg::Codec codec(avcodec_alloc_context3(avcodec_find_encoder_by_name("mpeg4")));
    if (std::string_view(output_->oformat->name) == "flv")
      codec.reset(avcodec_alloc_context3(avcodec_find_encoder_by_name("flv")));
    codec->width = 64;
    codec->height = 48;
    codec->pix_fmt = AV_PIX_FMT_YUV420P;
    codec->time_base = {1, 10};
    codec->framerate = {10, 1};
    add(std::move(codec));
  }

  void add_tone(const Tone& tone) {
    const AVCodec* encoder = avcodec_find_encoder_by_name(tone.encoder.c_str());
    ASSERT_NE(encoder, nullptr) << tone.encoder;
    ffmpeg::Codec codec(avcodec_alloc_context3(encoder));
    codec->sample_fmt = ffmpeg::sample_formats(*encoder).front();
    codec->sample_rate = tone.rate;
    codec->time_base = {1, tone.rate};
    ffmpeg::check(av_channel_layout_from_string(&codec->ch_layout, tone.layout.c_str()), tone.layout);
    add(std::move(codec));
    tracks_.back().samples = std::llround(tone.begin * tone.rate);
  }

  void write_image(int number) {
    const AVCodecContext& codec = *tracks_[0].codec;
    const ffmpeg::FramePointer image = ffmpeg::make_frame(codec.width, codec.height, codec.pix_fmt);
    for (int plane = 0; plane < 3; ++plane) {
      const int size = image->linesize[plane] * (plane == 0 ? 48 : 24);
      for (int i = 0; i < size; ++i) image->data[plane][i] = static_cast<std::uint8_t>(3 * i + 40 * number);
    }
    image->pts = number;
    send(*tracks_[0].codec, image.get(), 0);
  }

  void write_tone(std::size_t number, const Tone& tone, double until) {
    Track& track = tracks_[number + 1];
    AVCodecContext& codec = *track.codec;
    const std::int64_t end = std::llround(std::min(until, tone.end) * tone.rate);
    const int usual = codec.frame_size > 0 ? codec.frame_size : 512;
    const bool last = until >= tone.end;
    while (track.samples < end) {
      const int count = static_cast<int>(std::min<std::int64_t>(usual, end - track.samples));
      if (count < usual && !last) return;
      const ffmpeg::FramePointer samples = ffmpeg::make_frame();
      samples->format = codec.sample_fmt;
      samples->sample_rate = codec.sample_rate;
      samples->nb_samples = count;
      av_channel_layout_copy(&samples->ch_layout, &codec.ch_layout);
      ffmpeg::check(av_frame_get_buffer(samples.get(), 0), "samples");
      fill(*samples, track.samples);
      samples->pts = track.samples;
      track.samples += count;
      send(codec, samples.get(), number + 1);
    }
  }

  static void fill(AVFrame& samples, std::int64_t first) {
    const auto format = static_cast<AVSampleFormat>(samples.format);
    const bool planar = av_sample_fmt_is_planar(format) != 0;
    const int channels = samples.ch_layout.nb_channels;
    for (int i = 0; i < samples.nb_samples; ++i) {
      const double value =
          0.5 * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(first + i) / samples.sample_rate);
      for (int channel = 0; channel < channels; ++channel) {
        set(samples.extended_data[planar ? channel : 0], planar ? i : i * channels + channel,
            av_get_packed_sample_fmt(format), value);
      }
    }
  }

  static void set(std::uint8_t* data, int index, AVSampleFormat format, double value) {
    if (format == AV_SAMPLE_FMT_FLT) reinterpret_cast<float*>(data)[index] = static_cast<float>(value);
    if (format == AV_SAMPLE_FMT_S16)
      reinterpret_cast<std::int16_t*>(data)[index] = static_cast<std::int16_t>(value * 32767);
    if (format == AV_SAMPLE_FMT_S32)
      reinterpret_cast<std::int32_t*>(data)[index] = static_cast<std::int32_t>(value * 2147483647.0);
    if (format == AV_SAMPLE_FMT_U8) data[index] = static_cast<std::uint8_t>(128 + value * 127);
  }

  void send(AVCodecContext& codec, const AVFrame* frame, std::size_t track) {
    ffmpeg::check(avcodec_send_frame(&codec, frame), codec.codec->name);
    const ffmpeg::Packet packet = ffmpeg::make_packet();
    while (avcodec_receive_packet(&codec, packet.get()) >= 0) {
      packet->stream_index = static_cast<int>(track);
      if (track == 0) packet->duration = 1;
      av_packet_rescale_ts(packet.get(), codec.time_base, output_->streams[track]->time_base);
      ffmpeg::check(av_interleaved_write_frame(output_, packet.get()), "cannot write");
    }
  }

  AVFormatContext* output_ = nullptr;
  std::vector<Track> tracks_;
};

/// The properties of a file's best audio track. Times are in seconds after the first frame of the video.
struct SoundFacts {
  std::string codec;  ///< Empty: there is no audio.
  int rate = 0;
  int channels = 0;
  double begin = 0;
  double end = 0;
  double longest_gap = 0;
  double loud = 0;         ///< Total seconds with a tone.
  double loud_begin = -1;  ///< Begin of the first tone; -1: none.
  double last_loud_end = -1;
};

inline double loudest(const AVFrame& samples) {
  double loudest = 0;
  for (int i = 0; i < samples.nb_samples; ++i) {
    const std::uint8_t* data = samples.data[0];
    double value = 0;
    switch (samples.format) {
      case AV_SAMPLE_FMT_FLTP:
      case AV_SAMPLE_FMT_FLT:
        value = reinterpret_cast<const float*>(data)[i];
        break;
      case AV_SAMPLE_FMT_S16P:
      case AV_SAMPLE_FMT_S16:
        value = reinterpret_cast<const std::int16_t*>(data)[i] / 32768.0;
        break;
      case AV_SAMPLE_FMT_S32P:
      case AV_SAMPLE_FMT_S32:
        value = reinterpret_cast<const std::int32_t*>(data)[i] / 2147483648.0;
        break;
      case AV_SAMPLE_FMT_U8P:
      case AV_SAMPLE_FMT_U8:
        value = (data[i] - 128) / 128.0;
        break;
      default:
        ADD_FAILURE() << "unexpected sample format " << samples.format;
    }
    loudest = std::max(loudest, std::abs(value));
  }
  return loudest;
}

inline SoundFacts sound_of(const std::string& file) {
  ffmpeg::Options options;
  const ffmpeg::Input input = open_video_input(file, "", options);
  const int index = av_find_best_stream(input.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (index < 0) return {};
  const AVStream& stream = *input->streams[index];
  SoundFacts facts{.codec = avcodec_get_name(stream.codecpar->codec_id),
                   .rate = stream.codecpar->sample_rate,
                   .channels = stream.codecpar->ch_layout.nb_channels};
  const ffmpeg::Codec decoder = ffmpeg::open_decoder(*stream.codecpar, 1, file);
  decoder->pkt_timebase = stream.time_base;
  const double origin = static_cast<double>(start_time(*find_video_stream(*input))) / 1e6;
  const ffmpeg::Packet packet = ffmpeg::make_packet();
  const ffmpeg::FramePointer samples = ffmpeg::make_frame();
  bool begun = false;
  const auto look = [&] {
    const double time = static_cast<double>(samples->pts) * av_q2d(stream.time_base) - origin;
    const double length = static_cast<double>(samples->nb_samples) / samples->sample_rate;
    if (!begun) facts.begin = facts.end = time;
    begun = true;
    facts.longest_gap = std::max(facts.longest_gap, time - facts.end);
    facts.end = time + length;
    if (loudest(*samples) < 0.1) return;
    if (facts.loud_begin < 0) facts.loud_begin = time;
    facts.loud += length;
    facts.last_loud_end = facts.end;
  };
  while (av_read_frame(input.get(), packet.get()) >= 0) {
    if (packet->stream_index == index && avcodec_send_packet(decoder.get(), packet.get()) >= 0) {
      while (avcodec_receive_frame(decoder.get(), samples.get()) >= 0) look();
    }
    av_packet_unref(packet.get());
  }
  return facts;
}

/// Writes a video with as many frames as `from` has, and with its sound. Returns the warnings.
inline std::vector<std::string> redraw(const std::string& from, const std::string& to) {
  std::vector<std::string> warnings;
  SinkOptions options = sink_options(to, 64, 48);
  options.frame_rate = 10;
  options.audio_from = from;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const auto sink = open_sink(options);
  for (const Frame& frame : read_all(from)) sink->write(fit_to_size(frame, Fit::stretch, 64, 48));
  sink->finish();
  return warnings;
}

}  // namespace streamdiffusion::tests
