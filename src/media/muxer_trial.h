#pragma once

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// True if the muxer of `output`, whose header is not written yet, accepts `stream` in addition to its
/// streams. FFmpeg's codec lists do not tell this: muxers also refuse streams by rate, number of channels or
/// extradata. So a trial header is written to memory.
bool muxer_takes(const AVFormatContext& output, const AVCodecParameters& stream, AVRational time_base,
                 const ffmpeg::OptionMap& muxer_options);

}  // namespace streamdiffusion
