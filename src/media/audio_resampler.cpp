#include "media/audio_resampler.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace streamdiffusion {
namespace {

/// Frame size for encoders that take any.
constexpr int kUsualFrameSize = 1024;
constexpr int kChunkSize = 16'384;

int frame_size(const AVCodecContext& encoder) {
  const bool any_size = (encoder.codec->capabilities & AV_CODEC_CAP_VARIABLE_FRAME_SIZE) != 0;
  return any_size || encoder.frame_size <= 0 ? kUsualFrameSize : encoder.frame_size;
}

ffmpeg::FramePointer make_samples(const AVCodecContext& encoder, int count, const std::string& what) {
  ffmpeg::FramePointer samples = ffmpeg::make_frame();
  samples->format = encoder.sample_fmt;
  samples->sample_rate = encoder.sample_rate;
  samples->nb_samples = count;
  ffmpeg::check(av_channel_layout_copy(&samples->ch_layout, &encoder.ch_layout), what);
  ffmpeg::check(av_frame_get_buffer(samples.get(), 0), what);
  return samples;
}

void** planes(AVFrame& samples) { return reinterpret_cast<void**>(samples.extended_data); }

}  // namespace

AudioResampler::AudioResampler(const AVCodecContext& decoder, const AVCodecContext& encoder, std::string what)
    : encoder_(encoder),
      what_(std::move(what)),
      frame_size_(frame_size(encoder)),
      format_(ffmpeg::make_frame()),
      chunk_(make_samples(encoder, kChunkSize, what_)),
      fifo_(av_audio_fifo_alloc(encoder.sample_fmt, encoder.ch_layout.nb_channels, kChunkSize)) {
  if (!fifo_) throw std::bad_alloc();
  make_converter(decoder.sample_fmt, decoder.sample_rate, decoder.ch_layout);
}

bool AudioResampler::accepts(const AVFrame& samples) const {
  return format_->format == samples.format && format_->sample_rate == samples.sample_rate &&
         av_channel_layout_compare(&format_->ch_layout, &samples.ch_layout) == 0;
}

void AudioResampler::make_converter(AVSampleFormat format, int rate, const AVChannelLayout& layout) {
  format_->format = format;
  format_->sample_rate = rate;
  ffmpeg::check(av_channel_layout_copy(&format_->ch_layout, &layout), what_);
  SwrContext* made = nullptr;
  const int result = swr_alloc_set_opts2(&made, &chunk_->ch_layout, encoder_.sample_fmt, encoder_.sample_rate,
                                         &format_->ch_layout, format, rate, 0, nullptr);
  converter_.reset(made);
  ffmpeg::check(result, what_);
  ffmpeg::check(swr_init(converter_.get()), what_);
}

/// Samples at the encoder's rate between the end of the sound so far and `begin`; negative if they overlap.
std::int64_t AudioResampler::samples_missing(std::int64_t begin) const {
  const std::int64_t inside = swr_get_delay(converter_.get(), encoder_.sample_rate);
  const std::int64_t missing = begin - (emitted_samples_ + av_audio_fifo_size(fifo_.get()) + inside);
  // Containers' times are rounded and drift a little. Only the start has to be exact.
  const std::int64_t tolerance = started_ ? encoder_.sample_rate / 10 : 0;
  return std::abs(missing) > tolerance ? missing : 0;
}

void AudioResampler::resample(const AVFrame& samples, AVRational time_base, const OnFrame& on_frame) {
  const std::int64_t missing =
      samples_missing(av_rescale_q(samples.pts, time_base, {1, encoder_.sample_rate}));
  started_ = true;
  if (!accepts(samples)) {
    drain();
    make_converter(static_cast<AVSampleFormat>(samples.format), samples.sample_rate, samples.ch_layout);
  }
  if (missing > 0) add_silence(missing, on_frame);
  convert(samples, missing < 0 ? av_rescale(-missing, samples.sample_rate, encoder_.sample_rate) : 0);
  emit_frames(frame_size_, on_frame);
}

void AudioResampler::add_silence(std::int64_t count, const OnFrame& on_frame) {
  drain();
  while (count > 0) {
    const int now = static_cast<int>(std::min<std::int64_t>(count, kChunkSize));
    av_samples_set_silence(chunk_->extended_data, 0, now, encoder_.ch_layout.nb_channels,
                           encoder_.sample_fmt);
    ffmpeg::check(av_audio_fifo_write(fifo_.get(), planes(*chunk_), now), what_);
    emit_frames(frame_size_, on_frame);
    count -= now;
  }
}

void AudioResampler::add_silence_until(double seconds, const OnFrame& on_frame) {
  drain();
  const std::int64_t end = std::llround(seconds * encoder_.sample_rate);
  add_silence(end - emitted_samples_ - av_audio_fifo_size(fifo_.get()), on_frame);
}

/// Converts samples into fifo_, without the first `skipped` ones.
void AudioResampler::convert(const AVFrame& samples, std::int64_t skipped) {
  if (skipped >= samples.nb_samples) return;
  const auto format = static_cast<AVSampleFormat>(samples.format);
  const int channels = samples.ch_layout.nb_channels;
  const bool planar = av_sample_fmt_is_planar(format) != 0;
  const std::int64_t step = av_get_bytes_per_sample(format) * (planar ? 1 : channels);
  std::vector<const std::uint8_t*> data;
  for (int plane = 0; plane < (planar ? channels : 1); ++plane) {
    data.push_back(samples.extended_data[plane] + step * skipped);
  }
  convert(data.data(), samples.nb_samples - static_cast<int>(skipped));
}

/// Converts `count` samples into fifo_. If `data` is null, takes the samples that the converter still holds.
void AudioResampler::convert(const std::uint8_t** data, int count) {
  int got = kChunkSize;
  while (got == kChunkSize) {
    got = ffmpeg::check(swr_convert(converter_.get(), chunk_->extended_data, kChunkSize, data, count), what_);
    ffmpeg::check(av_audio_fifo_write(fifo_.get(), planes(*chunk_), got), what_);
    count = 0;
  }
}

/// Takes all samples out of the converter and resets it.
void AudioResampler::drain() {
  convert(nullptr, 0);
  ffmpeg::check(swr_init(converter_.get()), what_);
}

void AudioResampler::emit_frames(int at_least, const OnFrame& on_frame) {
  while (av_audio_fifo_size(fifo_.get()) >= at_least) {
    const int count = std::min(frame_size_, av_audio_fifo_size(fifo_.get()));
    const ffmpeg::FramePointer frame = make_samples(encoder_, count, what_);
    ffmpeg::check(av_audio_fifo_read(fifo_.get(), planes(*frame), count), what_);
    frame->pts = emitted_samples_;
    emitted_samples_ += count;
    on_frame(*frame);
  }
}

void AudioResampler::flush(const OnFrame& on_frame) {
  drain();
  emit_frames(1, on_frame);
}

}  // namespace streamdiffusion
