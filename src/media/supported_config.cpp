#include "media/supported_config.h"

namespace streamdiffusion::ffmpeg {

// FFmpeg 7.1 has a function in place of earlier versions' fields.
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)

namespace {

template <typename T>
std::span<const T> list(const AVCodec& encoder, AVCodecConfig what) {
  const void* values = nullptr;
  int count = 0;
  if (avcodec_get_supported_config(nullptr, &encoder, what, 0, &values, &count) < 0) return {};
  return {static_cast<const T*>(values), values != nullptr ? static_cast<std::size_t>(count) : 0};
}

}  // namespace

std::span<const AVPixelFormat> pixel_formats(const AVCodec& encoder) {
  return list<AVPixelFormat>(encoder, AV_CODEC_CONFIG_PIX_FORMAT);
}
std::span<const AVRational> frame_rates(const AVCodec& encoder) {
  return list<AVRational>(encoder, AV_CODEC_CONFIG_FRAME_RATE);
}
std::span<const AVSampleFormat> sample_formats(const AVCodec& encoder) {
  return list<AVSampleFormat>(encoder, AV_CODEC_CONFIG_SAMPLE_FORMAT);
}
std::span<const int> sample_rates(const AVCodec& encoder) {
  return list<int>(encoder, AV_CODEC_CONFIG_SAMPLE_RATE);
}
std::span<const AVChannelLayout> channel_layouts(const AVCodec& encoder) {
  return list<AVChannelLayout>(encoder, AV_CODEC_CONFIG_CHANNEL_LAYOUT);
}

#else

namespace {

template <typename T, typename IsEnd>
std::span<const T> list(const T* values, IsEnd is_end) {
  std::size_t count = 0;
  while (values != nullptr && !is_end(values[count])) ++count;
  return {values, count};
}

}  // namespace

std::span<const AVPixelFormat> pixel_formats(const AVCodec& encoder) {
  return list(encoder.pix_fmts, [](AVPixelFormat format) { return format == AV_PIX_FMT_NONE; });
}
std::span<const AVRational> frame_rates(const AVCodec& encoder) {
  return list(encoder.supported_framerates, [](AVRational rate) { return rate.num == 0; });
}
std::span<const AVSampleFormat> sample_formats(const AVCodec& encoder) {
  return list(encoder.sample_fmts, [](AVSampleFormat format) { return format == AV_SAMPLE_FMT_NONE; });
}
std::span<const int> sample_rates(const AVCodec& encoder) {
  return list(encoder.supported_samplerates, [](int rate) { return rate == 0; });
}
std::span<const AVChannelLayout> channel_layouts(const AVCodec& encoder) {
  return list(encoder.ch_layouts, [](const AVChannelLayout& layout) { return layout.nb_channels == 0; });
}

#endif

}  // namespace streamdiffusion::ffmpeg
