#include "media/encoder_choice.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <vector>

#include "media/supported_config.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr const char* kSeeEncoders = " (`ffmpeg -encoders` lists those it has)";

bool can_hold_codec(const AVOutputFormat& container, AVCodecID codec) {
  // A negative answer means that FFmpeg does not know. The muxer then decides.
  return avformat_query_codec(&container, codec, FF_COMPLIANCE_NORMAL) != 0;
}

const AVCodec* usual_encoder(const AVOutputFormat& container) {
  const std::string_view name = container.name;
  const bool h264 =
      container.video_codec == AV_CODEC_ID_H264 || name == "mpegts" || name == "flv" || name == "rtsp";
  const AVCodec* x264 = avcodec_find_encoder_by_name("libx264");
  if (h264 && x264 != nullptr) return x264;
  return avcodec_find_encoder(container.video_codec);
}

/// Maps a quality of 0 to 100 linearly to an encoder's worst to best value.
int interpolate_quality(int worst, int best, int quality) {
  return static_cast<int>(std::lround(worst + (best - worst) * quality / 100.0));
}

/// The frame rates that an encoder takes; empty if it takes any.
std::vector<AVRational> frame_rates_of(const AVCodec& encoder, int height) {
  // FFmpeg lists no rates for DV.
  constexpr int kPal = 576;
  constexpr int kNtsc = 480;
  constexpr AVRational kNtscRate{30'000, 1001};
  if (std::string_view(encoder.name) == "dvvideo") {
    if (height == kPal) return {{25, 1}};
    return height == kNtsc ? std::vector{kNtscRate} : std::vector{AVRational{25, 1}, kNtscRate};
  }
  // FFmpeg's list for MPEG ends with lower rates that are not part of the standard.
  constexpr double kLowest = 23.9;
  std::vector<AVRational> rates;
  for (const AVRational rate : ffmpeg::frame_rates(encoder)) {
    if (av_q2d(rate) > kLowest) rates.push_back(rate);
  }
  return rates;
}

}  // namespace

const AVCodec& choose_video_encoder(const std::string& name, const AVOutputFormat& container) {
  if (name.empty()) {
    const AVCodec* usual = usual_encoder(container);
    if (usual != nullptr) return *usual;
    const char* codec = avcodec_get_name(container.video_codec);
    throw MediaError(std::string("this FFmpeg has no encoder for ") + codec + ", which " + container.name +
                     " wants; name another codec" + kSeeEncoders);
  }
  const AVCodec* encoder = avcodec_find_encoder_by_name(name.c_str());
  if (encoder == nullptr) {  // Accepts a codec's name too, such as "h264".
    const AVCodecDescriptor* descriptor = avcodec_descriptor_get_by_name(name.c_str());
    if (descriptor != nullptr) encoder = avcodec_find_encoder(descriptor->id);
  }
  if (encoder == nullptr) throw MediaError("this FFmpeg has no encoder " + name + kSeeEncoders);
  if (encoder->type != AVMEDIA_TYPE_VIDEO)
    throw MediaError("the encoder " + name + " is not for video" + kSeeEncoders);
  if (!can_hold_codec(container, encoder->id)) {
    throw MediaError(std::string("the container ") + container.name + " cannot hold " +
                     avcodec_get_name(encoder->id) +
                     "; choose another codec or another extension (.mkv holds nearly all)");
  }
  return *encoder;
}

AVPixelFormat choose_pixel_format(const AVCodec& encoder, const AVOutputFormat& container) {
  const AVCodecDescriptor* descriptor = avcodec_descriptor_get(encoder.id);
  const bool lossless = descriptor != nullptr && (descriptor->props & AV_CODEC_PROP_LOSSY) == 0;
  const std::span<const AVPixelFormat> formats = ffmpeg::pixel_formats(encoder);
  if (std::string_view(container.name) == "yuv4mpegpipe") return AV_PIX_FMT_YUV420P;
  // Virtual cameras: most programs that read them support YUV 4:2:0.
  if (std::string_view(container.name).find("v4l2") != std::string_view::npos) return AV_PIX_FMT_YUV420P;
  // AVI has no tag for RGB. Untagged raw video of 24 bits has the byte order of Windows bitmaps.
  if (encoder.id == AV_CODEC_ID_RAWVIDEO && std::string_view(container.name) == "avi")
    return AV_PIX_FMT_BGR24;
  if (formats.empty()) return lossless ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUV420P;
  if (!lossless && std::ranges::find(formats, AV_PIX_FMT_YUV420P) != formats.end()) return AV_PIX_FMT_YUV420P;
  // FFmpeg ends the list with AV_PIX_FMT_NONE. For RGB24 the best format is never a hardware surface.
  return avcodec_find_best_pix_fmt_of_list(formats.data(), AV_PIX_FMT_RGB24, 0, nullptr);
}

bool has_fixed_rate(const AVCodec& encoder) {
  constexpr std::array<std::string_view, 4> kNames = {"dvvideo", "roqvideo", "h261", "h263"};
  if (!ffmpeg::frame_rates(encoder).empty()) return true;
  return std::ranges::find(kNames, std::string_view(encoder.name)) != kNames.end();
}

AVRational nearest_frame_rate(const AVCodec& encoder, AVRational frame_rate, int height) {
  std::vector<AVRational> rates = frame_rates_of(encoder, height);
  if (rates.empty()) return frame_rate;
  std::ranges::sort(rates, [](AVRational a, AVRational b) { return av_cmp_q(a, b) < 0; });
  const double wanted = av_q2d(frame_rate);
  // A smaller relative difference is rounding; 30 and 29.97 differ by more.
  constexpr double kRounding = 5e-4;
  const auto is_multiple = [&](AVRational rate) {
    const double multiple = av_q2d(rate) / wanted;
    return multiple > 1 - kRounding && std::abs(multiple / std::round(multiple) - 1) < kRounding;
  };
  const auto holds_all = [&](AVRational rate) { return av_q2d(rate) >= wanted; };
  auto best = std::ranges::find_if(rates, is_multiple);
  if (best == rates.end()) best = std::ranges::find_if(rates, holds_all);
  return best != rates.end() ? *best : rates.back();
}

void set_quality(AVCodecContext& codec, ffmpeg::Options& options, int quality) {
  const std::string_view name = codec.codec->name;
  const auto choose = [&](int worst, int best, int usual) {
    return quality < 0 ? usual : interpolate_quality(worst, best, quality);
  };
  // Sets an integer scale, as ffmpeg's option -q:v does.
  const auto set_scale = [&](int value) {
    codec.flags |= AV_CODEC_FLAG_QSCALE;
    codec.global_quality = FF_QP2LAMBDA * value;
  };
  if (name == "libx264" || name == "libx264rgb" || name == "libx265") {
    options.set("crf", std::to_string(choose(45, 8, 18)));
  } else if (name == "libvpx-vp9" || name == "libvpx" || name.starts_with("libaom") || name == "libsvtav1") {
    // Constant quality takes a bit rate of 0. VP8's encoder treats 0 as a low default, so it gets a high
    // limit.
    constexpr std::int64_t kNoLimit = 1'000'000'000;
    codec.bit_rate = name == "libvpx" ? kNoLimit : 0;
    options.set("crf", std::to_string(choose(60, 4, 24)));
    if (name.starts_with("libvpx")) {
      options.set("deadline", "good");
      options.set("cpu-used", "4");
      options.set("row-mt", "1");
    }
  } else if (name == "librav1e") {
    options.set("qp", std::to_string(choose(230, 16, 80)));
  } else if (name.ends_with("_nvenc")) {
    options.set("rc", "constqp");
    options.set("qp", std::to_string(choose(45, 8, 18)));
  } else if (name == "libtheora") {
    set_scale(choose(0, 10, 8));
  } else if (name.starts_with("libwebp")) {
    set_scale(choose(0, 100, 90));
  } else if (name == "asv1" || name == "asv2" || name == "amv") {
    set_scale(choose(31, 2, 2));  // Their tables overflow at 1.
  } else {
    set_scale(choose(31, 1, 2));  // For MPEG-4, MJPEG and similar codecs. Lossless encoders ignore it.
  }
}

void set_low_latency(AVCodecContext& codec, ffmpeg::Options& options) {
  const std::string_view name = codec.codec->name;
  codec.max_b_frames = 0;
  codec.flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (name == "libx264" || name == "libx264rgb" || name == "libx265") {
    options.set("preset", "veryfast");
    options.set("tune", "zerolatency");
  } else if (name.starts_with("libvpx") || name.starts_with("libaom")) {
    options.set("lag-in-frames", "0");
    if (name.starts_with("libvpx")) options.set("deadline", "realtime");
  } else if ((codec.codec->capabilities & AV_CODEC_CAP_FRAME_THREADS) != 0) {
    codec.thread_count = 1;  // Each further thread would delay by a frame.
  }
}

}  // namespace streamdiffusion
