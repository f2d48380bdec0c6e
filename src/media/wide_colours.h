#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Describes HDR or wide-gamut colours that are misread, because all frames are read as sRGB or BT.709 in
/// SDR. The text continues a sentence that names the input. Empty for other frames.
std::string describe_wide_colours(const AVFrame& picture);

}  // namespace streamdiffusion
