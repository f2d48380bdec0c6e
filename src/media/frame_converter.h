#pragma once

#include <string>

#include "media/ffmpeg.h"
#include "media/orientation.h"
#include "streamdiffusion/frame.h"

namespace streamdiffusion {

/// Turns decoded pictures of any pixel format into frames: colour matrix and range honoured, pixels made
/// square, turned upright, alpha on black. Allocates only when the input changes.
class FrameConverter {
 public:
  /// Fills size and pixels of `out`. `fallback_matrix` is for pictures that name none or an unusual one (see
  /// unusual_matrix); `pixel_aspect` is ignored unless positive. Throws Error, without a file's name, for a
  /// pixel format that cannot be converted.
  void convert(const AVFrame& in, AVColorSpace fallback_matrix, AVRational pixel_aspect,
               Orientation orientation, Frame& out);

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

  Key key_;
  ffmpeg::Scaler scaler_;
  ffmpeg::Picture rgb_;
};

/// True for pixel formats with transparency and for palettes, which may hold transparent colours.
bool has_alpha(AVPixelFormat format);

/// The name of the colour matrix that `picture` is tagged with if it cannot be meant or converted
/// ("reserved", or "gbr" for YUV): such pictures are read as if they named none. Empty for the usual ones.
std::string unusual_matrix(const AVFrame& picture);
/// The warning about an input `name` whose frames have an unusual colour matrix.
std::string unusual_matrix_text(const std::string& name, const std::string& matrix);

/// A size with square pixels; the shorter way is stretched, so that no detail is lost.
struct SquareSize {
  int width;
  int height;
};
SquareSize square_size(int width, int height, AVRational pixel_aspect);

}  // namespace streamdiffusion
