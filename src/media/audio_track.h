#pragma once

#include <memory>
#include <optional>
#include <string>

#include "media/audio_transcoder.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// A track of an input and the way in which it reaches the output.
struct AudioTrack {
  AVStream* from = nullptr;
  ffmpeg::Parameters parameters;                ///< of the output's stream
  AVRational time_base{};                       ///< of the packets that reach the output's stream
  std::unique_ptr<AudioTranscoder> transcoder;  ///< none: packets are copied
  /// The container ends with the shorter of video and sound: both have to be equally long. There is a
  /// transcoder then.
  bool as_long_as_video = false;
};

/// The best audio track of `input` that reaches the container of `output`: copied where the muxer takes it,
/// else transcoded to the container's usual codec, else to another codec that it takes. Where no track does,
/// null, and `reason` says why; `reason` stays empty where there is no audio. `name` is the input's, for
/// messages.
std::optional<AudioTrack> choose_audio_track(AVFormatContext& input, const AVFormatContext& output,
                                             const ffmpeg::OptionMap& muxer_options, const std::string& name,
                                             std::string& reason);

}  // namespace streamdiffusion
