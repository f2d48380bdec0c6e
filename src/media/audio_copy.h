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

/// Copies the audio of a video file into another one. Packets are transcoded if the output's container does
/// not take them. Times count from the first frame. Errors after the opening do not end the video: they
/// become warnings unless `strict` is set. Not thread-safe.
class AudioCopy {
 public:
  using OnPacket = std::function<void(AVPacket&)>;

  struct Options {
    std::string input;                ///< The video file with the sound.
    ffmpeg::OptionMap muxer_options;  ///< The options with which the output's header is written.
    bool strict = false;              ///< True: problems are thrown as Error instead of warned of.
    std::function<void(const std::string&)> on_warning = nullptr;
  };

  /// Adds a stream to `output`, whose header is not written yet. Returns null if the input has no audio or
  /// the output cannot hold any. Warns and returns null if the sound cannot be converted or the input is a
  /// pipe. Throws Error if the input cannot be opened.
  static std::unique_ptr<AudioCopy> open(const Options& options, AVFormatContext& output);

  /// Sets the Frame::time of the first frame. Call it before the first copy.
  void start(std::chrono::microseconds first_frame);
  /// Passes on the output packets that begin less than `seconds` after the first frame. Later ones wait for
  /// the next call. Silence follows the sound if the container needs as much sound as video.
  void copy_until(double seconds, const OnPacket& on_packet);
  /// Passes on the rest: the sound up to `seconds`, the end of the video, and if `whole` the sound after it.
  /// Warns if the container cannot hold that.
  void finish(double seconds, bool whole, const OnPacket& on_packet);

  /// Throws Error(problem) if `strict`, else warns of the first problem only.
  void report(const std::string& problem);

 private:
  AudioCopy(Options options, ffmpeg::Input input, AudioTrack track, const AVOutputFormat& container,
            AVStream* to);
  bool read_packet();
  bool shift_times();
  void note_early_sound();
  void pass_on_packet();
  void end();
  void flush();
  void guard_end(const std::function<void()>& action);
  void queue_packet(AVPacket& packet);
  void pass_on_until(double seconds, const OnPacket& on_packet);

  Options options_;
  ffmpeg::Input input_;
  AudioTrack track_;
  AVStream* to_;
  std::int64_t smallest_step_;  ///< Least distance of packets' times, in the output stream's time base.
  ContinuousTimes times_;
  ffmpeg::Packet packet_;
  std::deque<ffmpeg::Packet> ready_;  ///< Output packets that are not passed on yet.
  std::chrono::microseconds first_frame_{0};
  std::int64_t origin_ = 0;             ///< Time of the first frame, in microseconds of the input's clock.
  std::int64_t next_time_ = 0;          ///< End of the last packet read, in the input stream's time base.
  std::int64_t last_time_ = INT64_MIN;  ///< Time of the last packet queued, in the output's time base.
  bool ended_ = false;
  bool warned_ = false;
  bool looked_for_early_sound_ = false;
};

}  // namespace streamdiffusion
