#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Sample rate and channels that an encoder is asked for; 0 asks for the nearest to the sound's own.
struct SoundWish {
  int rate = 0;
  int channels = 0;
};

/// Opens `encoder` for the sound that `source` decodes. The encoder gets the sound's own sample format, rate
/// and channels where it takes them, otherwise the nearest that it takes, and a lower bit rate where it
/// refuses the usual one. Throws Error, which `what` begins, where the encoder takes nothing or not what
/// `wish` names.
ffmpeg::Codec open_audio_encoder(const AVCodec& encoder, const AVCodecContext& source,
                                 const AVOutputFormat& container, const std::string& what,
                                 const SoundWish& wish = {});

}  // namespace streamdiffusion
