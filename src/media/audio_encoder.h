#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Opens `encoder` for the sound that `source` decodes. The encoder gets the sound's own sample format, rate
/// and channels where it takes them, otherwise the nearest that it takes, and a lower bit rate where it
/// refuses the usual one. `rate`, unless it is 0, is the only sample rate that is tried. Throws Error, which
/// `what` begins, where the encoder takes nothing.
ffmpeg::Codec open_audio_encoder(const AVCodec& encoder, const AVCodecContext& source,
                                 const AVOutputFormat& container, const std::string& what, int rate = 0);

}  // namespace streamdiffusion
