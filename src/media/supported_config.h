#pragma once

#include <span>

#include "media/ffmpeg.h"

namespace streamdiffusion::ffmpeg {

/// These functions list the values that an encoder supports, in its own order. An empty list means that the
/// encoder states no restriction. The lists are static data of FFmpeg.
std::span<const AVPixelFormat> pixel_formats(const AVCodec& encoder);
std::span<const AVRational> frame_rates(const AVCodec& encoder);
std::span<const AVSampleFormat> sample_formats(const AVCodec& encoder);
std::span<const int> sample_rates(const AVCodec& encoder);
std::span<const AVChannelLayout> channel_layouts(const AVCodec& encoder);

}  // namespace streamdiffusion::ffmpeg
