#pragma once

#include <string>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The sample rate in Hz and number of channels to encode with. 0: the nearest to the sound's own.
struct RequestedSoundFormat {
  int rate = 0;
  int channels = 0;
};

/// Opens `encoder` for the sound that `source` decodes. Uses the sound's sample format, rate and channels, or
/// the nearest that the encoder takes. Lowers the bit rate if the encoder refuses the usual one. Throws
/// Error, whose text begins with `what`, if the encoder takes no settings that fit `requested`.
ffmpeg::Codec open_audio_encoder(const AVCodec& encoder, const AVCodecContext& source,
                                 const AVOutputFormat& container, const std::string& what,
                                 const RequestedSoundFormat& requested = {});

}  // namespace streamdiffusion
