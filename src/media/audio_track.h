#pragma once

#include <memory>
#include <optional>
#include <string>

#include "media/audio_transcoder.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// An audio track of an input and how it is brought into the output.
struct AudioTrack {
  AVStream* from = nullptr;
  ffmpeg::Parameters parameters;                ///< Codec parameters of the output's stream.
  AVRational time_base{};                       ///< Time base of the packets for the output's stream.
  std::unique_ptr<AudioTranscoder> transcoder;  ///< Null: packets are copied.
  /// True if the container ends with the shorter track, so that both must be equally long. `transcoder` is
  /// then set.
  bool as_long_as_video = false;
};

/// Chooses the best audio track of `input` that the container of `output` can hold. It is copied if the muxer
/// takes it, else transcoded to the container's usual codec, else to another codec that the container takes.
/// If no track fits, returns nothing, and `reason` says why unless there is no audio. `name` is the input's
/// name for messages.
std::optional<AudioTrack> choose_audio_track(AVFormatContext& input, const AVFormatContext& output,
                                             const ffmpeg::OptionMap& muxer_options, const std::string& name,
                                             std::string& reason);

}  // namespace streamdiffusion
