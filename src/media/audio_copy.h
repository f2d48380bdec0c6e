#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "media/audio_track.h"
#include "media/continuous_times.h"
#include "media/ffmpeg.h"

namespace streamdiffusion {

/// The audio of a video file on its way into another: packets copied, or transcoded where the container does
/// not take them; their times count from the first frame. Sound never ends the video: what goes wrong after
/// the opening is a warning, unless `strict` asks for an Error.
class AudioCopy {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  struct Options {
    std::string input;                ///< the video file whose sound it is
    ffmpeg::OptionMap muxer_options;  ///< those that the header of the output is written with
    bool strict = false;
    std::function<void(const std::string&)> on_warning = nullptr;
  };

  /// Adds a stream to `output` (before its header is written). Null where `input` has no audio or `output`
  /// holds none, and after a warning where no way leads from one to the other or `input` is a pipe. Throws
  /// Error where `input` cannot be opened.
  static std::unique_ptr<AudioCopy> open(const Options& options, AVFormatContext& output);

  /// The Frame::time of the first frame, before the first copy.
  void start(std::chrono::microseconds first_frame);
  /// Gives the packets of the output stream that begin before `seconds` after the first frame. Those behind
  /// wait for the next call. Where the container wants as much sound as video, silence follows the sound.
  void copy_until(double seconds, const OnPacket& on_packet);
  /// Gives the rest: sound up to `seconds`, the end of the video, and with `whole` what is behind it. Warns
  /// where the container cannot hold that.
  void finish(double seconds, bool whole, const OnPacket& on_packet);

  /// Throws an Error of `problem` if `strict`, else warns of the first one.
  void report(const std::string& problem);

 private:
  AudioCopy(Options options, ffmpeg::Input input, AudioTrack track, const AVOutputFormat& container,
            AVStream* to);
  bool read();
  bool place();
  void note_early_sound();
  void pass_on();
  void end();
  void flush();
  void guard_end(const std::function<void()>& action);
  void keep(AVPacket& packet);
  void give_until(double seconds, const OnPacket& on_packet);

  Options options_;
  ffmpeg::Input input_;
  AudioTrack track_;
  AVStream* to_;
  std::int64_t smallest_step_;  ///< between the times of packets, in the output stream's time base
  ContinuousTimes times_;
  ffmpeg::Packet packet_;
  std::deque<ffmpeg::Packet> ready_;  ///< of the output stream, not given yet
  std::chrono::microseconds first_frame_{0};
  std::int64_t origin_ = 0;             ///< the first frame's time, microseconds of the input's clock
  std::int64_t next_time_ = 0;          ///< where the last packet read ends, in the input stream's time base
  std::int64_t last_time_ = INT64_MIN;  ///< of the last packet kept, in the output stream's time base
  bool ended_ = false;
  bool warned_ = false;
  bool looked_for_early_sound_ = false;
};

}  // namespace streamdiffusion
