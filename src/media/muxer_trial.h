#pragma once

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// True if the muxer of `output`, whose header is not written yet, takes `stream` beside the streams that it
/// has. FFmpeg's lists of codecs are not enough to tell: muxers also refuse by rate, number of channels or
/// extradata. Writes a header into memory.
bool muxer_takes(const AVFormatContext& output, const AVCodecParameters& stream, AVRational time_base,
                 const ffmpeg::OptionMap& muxer_options);

}  // namespace streamdiffusion
