#pragma once

#include "media/byte_view.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Tags a decoded PNG with the primaries and transfer function that its chunk cICP names, which FFmpeg before
/// 6.1 does not read. Other files are left as they are.
void tag_colours_of_png(Bytes file, AVFrame& image);

}  // namespace streamdiffusion
