#include "media/audio_encoder.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <tuple>
#include <vector>

#include "media/supported_config.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

/// Bit rates to try in turn, in bits per second and channel. 0: the encoder's default.
constexpr std::array<int, 8> kBitRates = {96'000, 64'000, 48'000, 32'000, 24'000, 16'000, 8'000, 0};

/// The format of the encoder that is nearest to `source`. Prefers the same one, then the other of planar and
/// interleaved, then more bits, then fewer.
AVSampleFormat nearest_format(const AVCodec& encoder, AVSampleFormat source) {
  const std::span<const AVSampleFormat> formats = ffmpeg::sample_formats(encoder);
  if (formats.empty()) return source;
  const auto distance = [source](AVSampleFormat format) {
    const AVSampleFormat packed = av_get_packed_sample_fmt(format);
    const int more_bytes = av_get_bytes_per_sample(format) - av_get_bytes_per_sample(source);
    return std::tuple(format != source, packed != av_get_packed_sample_fmt(source), more_bytes < 0,
                      std::abs(more_bytes));
  };
  return *std::ranges::min_element(formats, {}, distance);
}

/// The encoder's sample rates, nearest first. Rates below the source's, which lose quality, come last.
std::vector<int> nearest_rates(const AVCodec& encoder, int source) {
  const std::span<const int> supported = ffmpeg::sample_rates(encoder);
  std::vector<int> rates(supported.begin(), supported.end());
  if (rates.empty()) rates = {source, 44'100, 48'000};
  std::ranges::sort(rates, {},
                    [source](int rate) { return std::tuple(rate < source, std::abs(rate - source)); });
  return rates;
}

/// The encoder's channel layouts, nearest first: the same, as many channels, fewer, more.
std::vector<AVChannelLayout> nearest_layouts(const AVCodec& encoder, const AVChannelLayout& source) {
  const std::span<const AVChannelLayout> supported = ffmpeg::channel_layouts(encoder);
  std::vector<AVChannelLayout> layouts(supported.begin(), supported.end());
  if (layouts.empty()) {
    if (source.order == AV_CHANNEL_ORDER_NATIVE) layouts.push_back(source);
    for (int channels = 8; channels > 0; --channels)
      av_channel_layout_default(&layouts.emplace_back(), channels);
  }
  std::ranges::stable_sort(layouts, {}, [&source](const AVChannelLayout& layout) {
    const int more = layout.nb_channels - source.nb_channels;
    return std::tuple(av_channel_layout_compare(&layout, &source) != 0, more > 0, std::abs(more));
  });
  return layouts;
}

struct Settings {
  AVSampleFormat format;
  int rate;
  const AVChannelLayout& layout;
  std::int64_t bit_rate;
};

/// Opens the encoder with the settings. Returns null if it does not take them; `error` then has FFmpeg's
/// code.
ffmpeg::Codec try_to_open(const AVCodec& encoder, const Settings& settings, bool global_header, int& error) {
  ffmpeg::Codec codec = ffmpeg::checked(ffmpeg::Codec(avcodec_alloc_context3(&encoder)));
  codec->sample_fmt = settings.format;
  codec->sample_rate = settings.rate;
  codec->time_base = {1, settings.rate};
  codec->bit_rate = settings.bit_rate;
  ffmpeg::check(av_channel_layout_copy(&codec->ch_layout, &settings.layout), "cannot set the channels");
  if (global_header) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  error = avcodec_open2(codec.get(), &encoder, nullptr);
  if (error < 0) codec.reset();
  return codec;
}

}  // namespace

ffmpeg::Codec open_audio_encoder(const AVCodec& encoder, const AVCodecContext& source,
                                 const AVOutputFormat& container, const std::string& what,
                                 const RequestedSoundFormat& requested) {
  const AVSampleFormat format = nearest_format(encoder, source.sample_fmt);
  const std::vector<int> rates =
      requested.rate > 0 ? std::vector{requested.rate} : nearest_rates(encoder, source.sample_rate);
  const bool global_header = (container.flags & AVFMT_GLOBALHEADER) != 0;
  int error = 0;
  for (const AVChannelLayout& layout : nearest_layouts(encoder, source.ch_layout)) {
    if (requested.channels > 0 && layout.nb_channels != requested.channels) continue;
    for (const int rate : rates) {
      for (const int bit_rate : kBitRates) {
        const Settings settings{format, rate, layout, std::int64_t{bit_rate} * layout.nb_channels};
        ffmpeg::Codec codec = try_to_open(encoder, settings, global_header, error);
        if (codec) return codec;
      }
    }
  }
  throw MediaError(what + " with the encoder " + encoder.name + ": " + ffmpeg::error_text(error));
}

}  // namespace streamdiffusion
