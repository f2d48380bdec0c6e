#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Says, as the rest of a sentence about the picture, which of its colours are taken for others, since all
/// pictures are read as sRGB or BT.709 in SDR; empty where none are.
std::string describe_wide_colours(const AVFrame& picture);

}  // namespace streamdiffusion
