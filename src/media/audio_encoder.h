#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Opens `encoder` for the sound that `source` decodes. The encoder gets the sound's own sample format, rate
/// and channels where it takes them, otherwise the nearest that it takes, and a lower bit rate where it
/// refuses the usual one. Throws Error, which `what` begins, where the encoder takes nothing.
ffmpeg::Codec open_audio_encoder(const AVCodec& encoder, const AVCodecContext& source,
                                 const AVOutputFormat& container, const std::string& what);

}  // namespace streamdiffusion
