#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Finds the encoder `name`, or if empty the container's usual one: libx264 if available and the container is
/// one usually used for H.264. Throws Error if there is none or the container cannot hold its codec.
const AVCodec& choose_video_encoder(const std::string& name, const AVOutputFormat& container);

/// Chooses YUV 4:2:0 for lossy codecs, which every player supports, and the format nearest to RGB for
/// lossless ones.
AVPixelFormat choose_pixel_format(const AVCodec& encoder, const AVOutputFormat& container);

/// True if the encoder only supports evenly spaced frames, whatever the container.
bool has_fixed_rate(const AVCodec& encoder);

/// Returns `frame_rate`, or for encoders with a fixed list of rates the lowest multiple of it, else the
/// lowest higher one. `height` is the video's, on which DV's rates depend.
AVRational nearest_frame_rate(const AVCodec& encoder, AVRational frame_rate, int height);

/// Sets the encoder's own quality options. `quality` is 0 (worst) to 100, or -1 for a good default.
void set_quality(AVCodecContext& codec, ffmpeg::Options& options, int quality);

/// Sets options with which each frame leaves the encoder before the next one enters.
void set_low_latency(AVCodecContext& codec, ffmpeg::Options& options);

}  // namespace streamdiffusion
