#pragma once

#include "media/ffmpeg.h"
#include "media/frame_spacing.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Describes a video that is open, before its first frame is decoded. `spacing` is that of a file's frames;
/// the default for other inputs.
SourceInfo describe_video(AVFormatContext& input, AVStream& stream, const SourceOptions& options,
                          const FrameSpacing& spacing);

}  // namespace streamdiffusion
