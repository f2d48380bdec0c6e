#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The encoder asked for, or the container's usual one (H.264 where it can hold it and this FFmpeg has
/// libx264). Throws Error where there is none or the container cannot hold what it makes.
const AVCodec& choose_video_encoder(const std::string& name, const AVOutputFormat& container);

/// 4:2:0 for lossy codecs, as every player knows it; for lossless ones what is nearest to RGB.
AVPixelFormat choose_pixel_format(const AVCodec& encoder, const AVOutputFormat& container);

/// True if the encoder knows no frames that come unevenly, whatever the container.
bool has_fixed_rate(const AVCodec& encoder);

/// The frame rate, or for encoders that take a list of rates alone the best of them: the lowest that holds
/// all frames. `height` of the video, by which DV has its rates.
AVRational nearest_frame_rate(const AVCodec& encoder, AVRational frame_rate, int height);

/// Sets what each encoder calls quality. `quality`: 0 .. 100, -1 a good default.
void set_quality(AVCodecContext& codec, ffmpeg::Options& options, int quality);

/// Each frame leaves the encoder before the next one enters.
void set_low_latency(AVCodecContext& codec, ffmpeg::Options& options);

}  // namespace streamdiffusion
