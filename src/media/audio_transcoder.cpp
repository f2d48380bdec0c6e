#include "media/audio_transcoder.h"

#include <array>
#include <string_view>

#include "media/supported_config.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::string layout_name(const AVChannelLayout& layout) {
  std::array<char, 64> text{};
  av_channel_layout_describe(&layout, text.data(), text.size());
  return text.data();
}

/// What the encoder takes, as options of the filter "aformat", which then chooses the nearest.
std::string accepted(const AVCodec& encoder) {
  std::string formats;
  for (const AVSampleFormat format : ffmpeg::sample_formats(encoder)) {
    formats += (formats.empty() ? "sample_fmts=" : "|") + std::string(av_get_sample_fmt_name(format));
  }
  std::string rates;
  for (const int rate : ffmpeg::sample_rates(encoder)) {
    rates += (rates.empty() ? "sample_rates=" : "|") + std::to_string(rate);
  }
  std::string layouts;
  for (const AVChannelLayout& layout : ffmpeg::channel_layouts(encoder)) {
    layouts += (layouts.empty() ? "channel_layouts=" : "|") + layout_name(layout);
  }
  std::string all;
  for (const std::string& part : {formats, rates, layouts}) {
    if (!part.empty()) all += (all.empty() ? "=" : ":") + part;
  }
  return "aformat" + all;
}

}  // namespace

AudioTranscoder::AudioTranscoder(const AVStream& from, const AVOutputFormat& container,
                                 const std::string& name)
    : name_("cannot transcode the audio of " + name),
      decoder_(ffmpeg::open_decoder(*from.codecpar, 1, name_)),
      samples_(ffmpeg::make_picture()),
      resampled_(ffmpeg::make_picture()),
      packet_(ffmpeg::make_packet()) {
  decoder_->pkt_timebase = from.time_base;
  if (decoder_->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&decoder_->ch_layout, decoder_->ch_layout.nb_channels);
  }
  const AVCodec* codec = avcodec_find_encoder(container.audio_codec);
  if (codec == nullptr) {
    throw Error(name_ + ": this FFmpeg has no encoder for " + avcodec_get_name(container.audio_codec) +
                " (`ffmpeg -encoders` lists those it has); write to .mkv, which can take it as it is");
  }
  encoder_ = ffmpeg::checked(ffmpeg::Codec(avcodec_alloc_context3(codec)));
  make_graph();
  encoder_->sample_fmt = static_cast<AVSampleFormat>(av_buffersink_get_format(graph_out_));
  encoder_->sample_rate = av_buffersink_get_sample_rate(graph_out_);
  ffmpeg::check(av_buffersink_get_ch_layout(graph_out_, &encoder_->ch_layout), name_);
  encoder_->time_base = {1, encoder_->sample_rate};
  constexpr int kBitsPerChannel = 96'000;
  encoder_->bit_rate = std::int64_t{kBitsPerChannel} * encoder_->ch_layout.nb_channels;
  if ((container.flags & AVFMT_GLOBALHEADER) != 0) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  ffmpeg::check(avcodec_open2(encoder_.get(), codec, nullptr), name_);
  const bool any_size = (codec->capabilities & AV_CODEC_CAP_VARIABLE_FRAME_SIZE) != 0;
  if (!any_size) av_buffersink_set_frame_size(graph_out_, static_cast<unsigned>(encoder_->frame_size));
}

void AudioTranscoder::make_graph() {
  const AVRational time_base = decoder_->pkt_timebase;
  const std::string source = "abuffer=sample_rate=" + std::to_string(decoder_->sample_rate) +
                             ":sample_fmt=" + av_get_sample_fmt_name(decoder_->sample_fmt) +
                             ":channel_layout=" + layout_name(decoder_->ch_layout) +
                             ":time_base=" + std::to_string(time_base.num) + "/" +
                             std::to_string(time_base.den);
  const std::string chain =
      source + ",aresample=async=1:first_pts=0," + accepted(*encoder_->codec) + ",abuffersink";
  graph_ = ffmpeg::checked(ffmpeg::Graph(avfilter_graph_alloc()));
  graph_->nb_threads = 1;
  AVFilterInOut* open_inputs = nullptr;
  AVFilterInOut* open_outputs = nullptr;
  const int parsed = avfilter_graph_parse2(graph_.get(), chain.c_str(), &open_inputs, &open_outputs);
  avfilter_inout_free(&open_inputs);
  avfilter_inout_free(&open_outputs);
  ffmpeg::check(parsed, name_);
  ffmpeg::check(avfilter_graph_config(graph_.get(), nullptr), name_);
  for (unsigned i = 0; i < graph_->nb_filters; ++i) {
    AVFilterContext* filter = graph_->filters[i];
    if (std::string_view(filter->filter->name) == "abuffer") graph_in_ = filter;
    if (std::string_view(filter->filter->name) == "abuffersink") graph_out_ = filter;
  }
}

void AudioTranscoder::transcode(const AVPacket& packet, const OnPacket& on_packet) {
  decode(&packet, on_packet);
}

void AudioTranscoder::flush(const OnPacket& on_packet) {
  decode(nullptr, on_packet);
  filter(nullptr, on_packet);
  encode(nullptr, on_packet);
}

void AudioTranscoder::decode(const AVPacket* packet, const OnPacket& on_packet) {
  ffmpeg::check(avcodec_send_packet(decoder_.get(), packet), name_);
  while (true) {
    const int result = avcodec_receive_frame(decoder_.get(), samples_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, name_);
    samples_->pts = samples_->best_effort_timestamp;
    if (samples_->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
      ffmpeg::check(av_channel_layout_copy(&samples_->ch_layout, &decoder_->ch_layout), name_);
    }
    filter(samples_.get(), on_packet);
  }
}

void AudioTranscoder::filter(AVFrame* samples, const OnPacket& on_packet) {
  ffmpeg::check(av_buffersrc_add_frame(graph_in_, samples), name_);
  while (true) {
    const int result = av_buffersink_get_frame(graph_out_, resampled_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, name_);
    resampled_->pts =
        av_rescale_q(resampled_->pts, av_buffersink_get_time_base(graph_out_), encoder_->time_base);
    encode(resampled_.get(), on_packet);
    av_frame_unref(resampled_.get());
  }
}

void AudioTranscoder::encode(const AVFrame* samples, const OnPacket& on_packet) {
  ffmpeg::check(avcodec_send_frame(encoder_.get(), samples), name_);
  while (true) {
    const int result = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) return;
    ffmpeg::check(result, name_);
    on_packet(*packet_);
    av_packet_unref(packet_.get());
  }
}

}  // namespace streamdiffusion
