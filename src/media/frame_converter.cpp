#include "media/frame_converter.h"

#include <cmath>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::uint8_t blend_onto_black(std::uint8_t value, std::uint8_t alpha) {
  return static_cast<std::uint8_t>((value * alpha + 127) / 255);
}

/// Copies an image of `kChannels` values a pixel and turns it upright. `convert` makes a pixel's value of a
/// channel from the pixel's stored values.
template <int kChannels, typename Convert>
void copy_turned(const AVFrame& in, Orientation orientation, Frame& out, Convert convert) {
  if (orientation.transpose) {
    out.resize(in.height, in.width);
  } else {
    out.resize(in.width, in.height);
  }
  // Byte offsets in the upright image for a step along a stored row and column.
  const std::ptrdiff_t right = orientation.mirror_x ? -3 : 3;
  const std::ptrdiff_t down =
      orientation.mirror_y ? -std::ptrdiff_t{3} * out.width : std::ptrdiff_t{3} * out.width;
  const std::ptrdiff_t step_x = orientation.transpose ? down : right;
  const std::ptrdiff_t step_y = orientation.transpose ? right : down;
  const std::ptrdiff_t first = (orientation.mirror_x ? std::ptrdiff_t{3} * (out.width - 1) : 0) +
                               (orientation.mirror_y ? std::ptrdiff_t{3} * out.width * (out.height - 1) : 0);
  for (int y = 0; y < in.height; ++y) {
    const std::uint8_t* from = in.data[0] + std::ptrdiff_t{in.linesize[0]} * y;
    std::uint8_t* to = out.pixels.data() + first + step_y * y;
    for (int x = 0; x < in.width; ++x, from += kChannels, to += step_x) {
      for (int channel = 0; channel < 3; ++channel) {
        to[channel] = convert(from, channel);
      }
    }
  }
}

bool is_grey(AVPixelFormat format) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  return descriptor != nullptr && descriptor->nb_components <= 2 &&
         (descriptor->flags & AV_PIX_FMT_FLAG_PAL) == 0;
}

/// True if samples have full range. If the frame does not say, grey and the "yuvj" formats have it, others
/// are limited.
bool is_full_range(const AVFrame& in, AVPixelFormat format) {
  if (in.color_range != AVCOL_RANGE_UNSPECIFIED) return in.color_range == AVCOL_RANGE_JPEG;
  return is_grey(format) || ffmpeg::is_full_range_twin(format);
}

bool is_rgb(AVPixelFormat format) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  return descriptor != nullptr && (descriptor->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
}

}  // namespace

bool has_alpha(AVPixelFormat format) {
  const AVPixFmtDescriptor* descriptor = av_pix_fmt_desc_get(format);
  return descriptor != nullptr &&
         ((descriptor->flags & AV_PIX_FMT_FLAG_ALPHA) != 0 || format == AV_PIX_FMT_PAL8);
}

std::string unusual_matrix(const AVFrame& frame) {
  const AVColorSpace matrix = frame.colorspace;
  // RGB is converted without a matrix, whatever the frame names.
  if (matrix == AVCOL_SPC_UNSPECIFIED || is_rgb(static_cast<AVPixelFormat>(frame.format))) return {};
  if (ffmpeg::matrix_coefficients(matrix) != nullptr) return {};
  const char* name = av_color_space_name(matrix);
  return name != nullptr ? name : "number " + std::to_string(matrix);
}

std::string unusual_matrix_text(const std::string& name, const std::string& matrix) {
  return name + " is tagged with the colour matrix \"" + matrix +
         "\", which is unusual; its colours are read as if it named none";
}

SquareSize square_size(int width, int height, AVRational pixel_aspect) {
  if (pixel_aspect.num <= 0 || pixel_aspect.den <= 0) return {width, height};
  const double aspect = av_q2d(pixel_aspect);
  // Values outside this range come from broken headers.
  if (aspect < 0.1 || aspect > 10) return {width, height};
  if (aspect > 1) return {static_cast<int>(std::lround(width * aspect)), height};
  return {width, static_cast<int>(std::lround(height / aspect))};
}

void FrameConverter::prepare(const Key& key) {
  if (key == key_) return;
  constexpr int kFlags = SWS_BICUBIC | SWS_FULL_CHR_H_INT | SWS_ACCURATE_RND;
  const AVPixelFormat target = has_alpha(key.format) ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
  ffmpeg::Scaler scaler;
  if (sws_isSupportedInput(key.format) != 0) {
    scaler.reset(sws_getContext(key.width, key.height, key.format, key.square_width, key.square_height,
                                target, kFlags, nullptr, nullptr, nullptr));
  }
  if (!scaler) {
    const char* name = av_get_pix_fmt_name(key.format);
    throw MediaError(std::string("its pixel format ") + (name != nullptr ? name : "(unknown)") +
                     " cannot be converted to RGB");
  }
  const int* coefficients = ffmpeg::matrix_coefficients(key.matrix);
  sws_setColorspaceDetails(scaler.get(), coefficients, key.full_range ? 1 : 0, coefficients, 1, 0, 1 << 16,
                           1 << 16);
  rgb_ = ffmpeg::make_frame(key.square_width, key.square_height, target);
  scaler_ = std::move(scaler);
  key_ = key;
}

/// Makes `rgb_` from a frame: RGB, or RGBA if the frame's format has alpha.
void FrameConverter::scale(const AVFrame& in, AVColorSpace fallback_matrix, AVRational pixel_aspect) {
  const auto format = static_cast<AVPixelFormat>(in.format);
  const SquareSize square = square_size(in.width, in.height, pixel_aspect);
  const bool names_matrix = !is_rgb(format) && ffmpeg::matrix_coefficients(in.colorspace) != nullptr;
  prepare({.width = in.width,
           .height = in.height,
           .format = ffmpeg::plain_format(format),
           .matrix = names_matrix ? in.colorspace : fallback_matrix,
           .full_range = is_full_range(in, format),
           .square_width = square.width,
           .square_height = square.height});
  ffmpeg::check(sws_scale(scaler_.get(), in.data, in.linesize, 0, in.height, rgb_->data, rgb_->linesize),
                "cannot convert to RGB");
}

void FrameConverter::convert(const AVFrame& in, AVColorSpace fallback_matrix, AVRational pixel_aspect,
                             Orientation orientation, Frame& out) {
  scale(in, fallback_matrix, pixel_aspect);
  const bool with_alpha = rgb_->format == AV_PIX_FMT_RGBA;
  colours_.prepare(in, {.has_alpha = with_alpha, .is_grey = is_grey(static_cast<AVPixelFormat>(in.format))});
  colours_.apply(*rgb_);
  if (with_alpha) {
    copy_turned<4>(*rgb_, orientation, out, [](const std::uint8_t* from, int channel) {
      return blend_onto_black(from[channel], from[3]);
    });
  } else {
    copy_turned<3>(*rgb_, orientation, out,
                   [](const std::uint8_t* from, int channel) { return from[channel]; });
  }
}

void FrameConverter::convert_opacity(const AVFrame& in, Orientation orientation, Frame& out) {
  scale(in, AVCOL_SPC_SMPTE170M, {0, 1});
  if (rgb_->format == AV_PIX_FMT_RGBA) {
    copy_turned<4>(*rgb_, orientation, out, [](const std::uint8_t* from, int) { return from[3]; });
  } else {
    copy_turned<3>(*rgb_, orientation, out, [](const std::uint8_t*, int) { return std::uint8_t{255}; });
  }
}

}  // namespace streamdiffusion
