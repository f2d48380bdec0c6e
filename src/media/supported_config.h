#pragma once

#include <span>

#include "media/ffmpeg.h"

namespace streamdiffusion::ffmpeg {

/// Lists of what an encoder takes, in its own order. An empty list stands for everything: the encoder names
/// no restriction. The lists live as long as the library.
std::span<const AVPixelFormat> pixel_formats(const AVCodec& encoder);
std::span<const AVRational> frame_rates(const AVCodec& encoder);
std::span<const AVSampleFormat> sample_formats(const AVCodec& encoder);
std::span<const int> sample_rates(const AVCodec& encoder);
std::span<const AVChannelLayout> channel_layouts(const AVCodec& encoder);

}  // namespace streamdiffusion::ffmpeg
