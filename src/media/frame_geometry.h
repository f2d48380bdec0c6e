#pragma once

#include "media/ffmpeg.h"
#include "media/orientation.h"

// How the frames of a video are to be shown. The container states it for the stream, or a frame for itself.
// Before the first frame is decoded, `frame` is one without a size.
namespace streamdiffusion {

/// The aspect ratio of a pixel; not positive if it is not known.
AVRational pixel_aspect(AVFormatContext& input, AVStream& stream, AVFrame& frame);

/// The display matrix of the stream, else of the frame; null if neither has one.
const std::int32_t* shown_matrix(const AVStream& stream, const AVFrame& frame);

/// How frames are turned upright.
Orientation shown_orientation(const AVStream& stream, const AVFrame& frame);

}  // namespace streamdiffusion
