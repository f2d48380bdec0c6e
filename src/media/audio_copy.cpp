#include "media/audio_copy.h"

#include <filesystem>

#include "media/picture_reader.h"
#include "media/video_input.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr AVRational kMicroseconds{1, 1'000'000};

bool can_copy(const AVOutputFormat& container, AVCodecID codec) {
  return avformat_query_codec(&container, codec, FF_COMPLIANCE_NORMAL) == 1;
}

}  // namespace

std::unique_ptr<AudioCopy> AudioCopy::open(const std::string& input, AVFormatContext& output) {
  if (input == "-") throw Error("audio cannot be taken from standard input, which the frames are read from");
  if (output.oformat->audio_codec == AV_CODEC_ID_NONE) return nullptr;
  if (std::filesystem::is_directory(input) || is_picture(input)) return nullptr;
  ffmpeg::Options options;
  ffmpeg::Input opened = open_video_input(input, "", options);
  const int index = av_find_best_stream(opened.get(), AVMEDIA_TYPE_AUDIO, -1, -1, nullptr, 0);
  if (index < 0) return nullptr;
  AVStream* from = opened->streams[index];
  AVStream* to = avformat_new_stream(&output, nullptr);
  if (to == nullptr) throw std::bad_alloc();
  return std::unique_ptr<AudioCopy>(new AudioCopy(std::move(opened), from, to, input, output));
}

AudioCopy::AudioCopy(ffmpeg::Input input, AVStream* from, AVStream* to, std::string name,
                     AVFormatContext& output)
    : input_(std::move(input)), from_(from), to_(to), name_(std::move(name)), packet_(ffmpeg::make_packet()) {
  if (can_copy(*output.oformat, from_->codecpar->codec_id)) {
    ffmpeg::check(avcodec_parameters_copy(to_->codecpar, from_->codecpar),
                  "cannot copy the audio of " + name_);
    to_->codecpar->codec_tag = 0;  // the input container's
    to_->time_base = from_->time_base;
  } else {
    transcoder_ = std::make_unique<AudioTranscoder>(*from_, *output.oformat, name_);
    ffmpeg::check(avcodec_parameters_from_context(to_->codecpar, &transcoder_->encoder()),
                  "cannot transcode the audio of " + name_);
    to_->time_base = transcoder_->encoder().time_base;
  }
}

void AudioCopy::start(std::chrono::microseconds first_frame) {
  const AVStream* video = find_video_stream(*input_);
  origin_ = first_frame.count() + (video != nullptr ? start_time(*video) : 0);
}

void AudioCopy::copy_until(double seconds, const OnPacket& on_packet) {
  end_ = seconds;
  while (!ended_) {
    if (!waiting_ && !read()) return;
    if (static_cast<double>(packet_->pts) * av_q2d(from_->time_base) >= seconds) return;
    waiting_ = false;
    pass_on(on_packet);
    av_packet_unref(packet_.get());
  }
}

void AudioCopy::finish(double seconds, const OnPacket& on_packet) {
  copy_until(seconds, on_packet);
  if (!transcoder_) return;
  transcoder_->flush([&](AVPacket& packet) { give(packet, transcoder_->encoder().time_base, on_packet); });
}

/// The next audio packet, its times counted from the first frame; false at the end.
bool AudioCopy::read() {
  const std::int64_t shift = av_rescale_q(origin_, kMicroseconds, from_->time_base);
  while (true) {
    av_packet_unref(packet_.get());
    const int result = av_read_frame(input_.get(), packet_.get());
    if (result == AVERROR_EOF) {
      ended_ = true;
      return false;
    }
    ffmpeg::check(result, "cannot read the audio of " + name_);
    if (packet_->stream_index != from_->index) continue;
    if (packet_->pts == AV_NOPTS_VALUE) packet_->pts = packet_->dts;
    if (packet_->pts == AV_NOPTS_VALUE) continue;
    packet_->pts -= shift;
    packet_->dts = packet_->pts;
    // What ends before the first frame is left out; what ends with it is what the decoder starts from.
    if (packet_->pts + packet_->duration < 0) continue;
    waiting_ = true;
    return true;
  }
}

void AudioCopy::pass_on(const OnPacket& on_packet) {
  if (transcoder_) {
    transcoder_->transcode(
        *packet_, [&](AVPacket& packet) { give(packet, transcoder_->encoder().time_base, on_packet); });
  } else {
    give(*packet_, from_->time_base, on_packet);
  }
}

void AudioCopy::give(AVPacket& packet, AVRational time_base, const OnPacket& on_packet) {
  if (static_cast<double>(packet.pts) * av_q2d(time_base) >= end_) return;
  av_packet_rescale_ts(&packet, time_base, to_->time_base);
  packet.stream_index = to_->index;
  packet.pos = -1;
  on_packet(packet);
}

}  // namespace streamdiffusion
