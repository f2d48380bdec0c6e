#include "media/audio_transcoder.h"

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

void name_channels(AVChannelLayout& layout) {
  if (layout.order == AV_CHANNEL_ORDER_UNSPEC) av_channel_layout_default(&layout, layout.nb_channels);
}

ffmpeg::Codec open_audio_decoder(const AVStream& stream, const std::string& what) {
  ffmpeg::Codec decoder = ffmpeg::open_decoder(*stream.codecpar, 1, what);
  decoder->pkt_timebase = stream.time_base;
  name_channels(decoder->ch_layout);
  if (decoder->sample_rate <= 0 || decoder->ch_layout.nb_channels <= 0 ||
      decoder->sample_fmt == AV_SAMPLE_FMT_NONE) {
    throw MediaError(what + ": it does not say its sample rate, channels or sample format");
  }
  return decoder;
}

}  // namespace

AudioTranscoder::AudioTranscoder(const AVStream& from, const AVCodec& encoder,
                                 const AVOutputFormat& container, const RequestedSoundFormat& requested,
                                 const std::string& what)
    : what_(what),
      decoder_(open_audio_decoder(from, what)),
      encoder_(open_audio_encoder(encoder, *decoder_, container, what, requested)),
      resampler_(*decoder_, *encoder_, what),
      samples_(ffmpeg::make_frame()),
      packet_(ffmpeg::make_packet()) {}

void AudioTranscoder::transcode(const AVPacket& packet, const OnPacket& on_packet) {
  if (next_time_ == AV_NOPTS_VALUE) next_time_ = packet.pts;
  receive(on_packet);  // Samples that an error has left in the decoder.
  decode(&packet, on_packet);
}

void AudioTranscoder::end_sound(const OnPacket& on_packet) { decode(nullptr, on_packet); }

void AudioTranscoder::add_silence(double seconds, const OnPacket& on_packet) {
  resampler_.add_silence_until(seconds, [&](const AVFrame& samples) { encode(&samples, on_packet); });
}

void AudioTranscoder::flush(const OnPacket& on_packet) {
  resampler_.flush([&](const AVFrame& samples) { encode(&samples, on_packet); });
  encode(nullptr, on_packet);
}

void AudioTranscoder::decode(const AVPacket* packet, const OnPacket& on_packet) {
  ffmpeg::check(avcodec_send_packet(decoder_.get(), packet), what_);
  receive(on_packet);
}

void AudioTranscoder::receive(const OnPacket& on_packet) {
  while (true) {
    const int result = avcodec_receive_frame(decoder_.get(), samples_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, what_);
    name_channels(samples_->ch_layout);
    set_time();
    resampler_.resample(*samples_, decoder_->pkt_timebase,
                        [&](const AVFrame& samples) { encode(&samples, on_packet); });
  }
}

/// Sets the samples' time. Samples without one, often the last, follow those before.
void AudioTranscoder::set_time() {
  const bool known = samples_->best_effort_timestamp != AV_NOPTS_VALUE;
  samples_->pts = known ? samples_->best_effort_timestamp : next_time_;
  next_time_ =
      samples_->pts + av_rescale_q(samples_->nb_samples, {1, samples_->sample_rate}, decoder_->pkt_timebase);
}

void AudioTranscoder::encode(const AVFrame* samples, const OnPacket& on_packet) {
  ffmpeg::check(avcodec_send_frame(encoder_.get(), samples), what_);
  while (true) {
    const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, what_);
    on_packet(*packet_);
    av_packet_unref(packet_.get());
  }
}

}  // namespace streamdiffusion
