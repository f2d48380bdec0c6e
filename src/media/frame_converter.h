#pragma once

#include <string>

#include "media/ffmpeg.h"
#include "media/orientation.h"
#include "media/srgb_converter.h"
#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Converts decoded frames of any pixel format to RGB frames. It applies colour matrix and range, converts to
/// sRGB, makes pixels square, turns the image upright and blends alpha onto black. Memory is allocated only
/// when the input's format, size or colour profile changes.
class FrameConverter {
 public:
  /// Sets size and pixels of `out`. `fallback_matrix` is used if `in` names no matrix or an unusual one (see
  /// unusual_matrix). `pixel_aspect` is ignored unless positive. Throws Error, without a file's name, if the
  /// pixel format cannot be converted.
  void convert(const AVFrame& in, AVColorSpace fallback_matrix, AVRational pixel_aspect,
               Orientation orientation, Frame& out);

  /// Sets size and pixels of `out`: the three values of a pixel are its alpha, 255 without transparency.
  void convert_opacity(const AVFrame& in, Orientation orientation, Frame& out);

  /// Says why the colours of the image that was converted last are not those that it is tagged with, as the
  /// rest of a sentence about it. Empty if they are.
  [[nodiscard]] const std::string& colour_problem() const { return colours_.problem(); }

 private:
  struct Key {
    int width = 0;
    int height = 0;
    AVPixelFormat format = AV_PIX_FMT_NONE;
    AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
    bool full_range = false;
    int square_width = 0;
    int square_height = 0;
    bool operator==(const Key&) const = default;
  };
  void prepare(const Key& key);
  void scale(const AVFrame& in, AVColorSpace fallback_matrix, AVRational pixel_aspect);

  Key key_;
  SrgbConverter colours_;
  ffmpeg::Scaler scaler_;
  ffmpeg::FramePointer rgb_;
};

/// True for pixel formats with transparency and for palettes, which may hold transparent colours.
bool has_alpha(AVPixelFormat format);

/// The name of the frame's colour matrix if it is not plausible or not supported, such as "reserved" or "gbr"
/// for YUV. Such frames are read as if they named none. Empty for the usual matrices.
std::string unusual_matrix(const AVFrame& frame);
/// The warning for an input `name` whose frames have an unusual colour matrix.
std::string unusual_matrix_text(const std::string& name, const std::string& matrix);

/// An image size in square pixels.
struct SquareSize {
  int width;
  int height;
};
/// The size after pixels are made square. One side is stretched and none shrunk, so that no detail is lost.
SquareSize square_size(int width, int height, AVRational pixel_aspect);

}  // namespace streamdiffusion
