#pragma once

#include <string>

#include "media/ffmpeg.h"
#include "streamdiffusion/media.h"

namespace streamdiffusion {

/// Asks a demuxer or device for the width, height and frame rate of `options`, as far as they are given.
void request_size_and_rate(const SourceOptions& options, ffmpeg::Options& demuxer_options);

/// True for formats that can be asked for a frame rate.
bool takes_rate(const AVInputFormat& format);

/// Says that what was asked for has no effect on the input. `left`: the options after FFmpeg has taken those
/// that the demuxer has. Empty if it has taken all.
std::string describe_untaken_request(const SourceOptions& options, const ffmpeg::Options& left);

}  // namespace streamdiffusion
