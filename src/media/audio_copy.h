#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "media/audio_transcoder.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The audio of a video file on its way into another: packets copied, or transcoded where the container does
/// not take them; their times count from the first frame.
class AudioCopy {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  /// Adds a stream to `output` (before its header is written). Null where `input` has no audio or `output`
  /// holds none.
  static std::unique_ptr<AudioCopy> open(const std::string& input, AVFormatContext& output);

  /// The Frame::time of the first frame, before the first copy.
  void start(std::chrono::microseconds first_frame);
  /// Gives packets of the output stream until the audio has reached `seconds` after the first frame or ends.
  void copy_until(double seconds, const OnPacket& on_packet);
  /// What is still on its way. Audio behind `seconds` is left out.
  void finish(double seconds, const OnPacket& on_packet);

 private:
  AudioCopy(ffmpeg::Input input, AVStream* from, AVStream* to, std::string name, AVFormatContext& output);
  bool read();
  void pass_on(const OnPacket& on_packet);
  void give(AVPacket& packet, AVRational time_base, const OnPacket& on_packet);

  ffmpeg::Input input_;
  AVStream* from_;
  AVStream* to_;
  std::string name_;
  ffmpeg::Packet packet_;
  std::unique_ptr<AudioTranscoder> transcoder_;  ///< none: copied
  std::int64_t origin_ = 0;  ///< the first frame's time, microseconds of the input's clock
  bool waiting_ = false;     ///< packet_ holds one that is not passed on yet
  bool ended_ = false;
  double end_ = 0;
};

}  // namespace streamdiffusion
