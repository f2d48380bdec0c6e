#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The encoder asked for, or the container's usual one (H.264 where it can hold it and this FFmpeg has
/// libx264). Throws Error where there is none or the container cannot hold what it makes.
const AVCodec& choose_video_encoder(const std::string& name, const AVOutputFormat& container);

/// 4:2:0 for lossy codecs, as every player knows it; for lossless ones what is nearest to RGB.
AVPixelFormat choose_pixel_format(const AVCodec& encoder, const AVOutputFormat& container);

/// Sets what each encoder calls quality. `quality`: 0 .. 100, -1 a good default.
void set_quality(AVCodecContext& codec, ffmpeg::Options& options, int quality);

/// Each frame leaves the encoder before the next one enters.
void set_low_latency(AVCodecContext& codec, ffmpeg::Options& options);

}  // namespace streamdiffusion
