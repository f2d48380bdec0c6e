#pragma once

#include <chrono>
#include <cstdint>

#include "media/ffmpeg.h"
#include "media/problem_report.h"

namespace streamdiffusion {

/// The times of a stream's decoded frames. They count from the stream's start.
class FrameClock {
 public:
  /// With `is_live`, frames are no earlier than they come, as measured since start_waiting.
  FrameClock(const AVStream& stream, bool is_live);

  /// Call it when the first frame is waited for.
  void start_waiting() { waits_since_ = Clock::now(); }
  /// Takes over the time of the next frame. One without a time follows at the frame rate.
  void advance(const AVFrame& frame, double frame_rate);
  /// Reports recordings in Matroska or fragmented MP4 that were joined byte by byte, which restart at their
  /// first time.
  void check_order(const ProblemReport& problems);

  /// Start time of the stream in microseconds of the container's clock.
  [[nodiscard]] std::int64_t start() const { return start_; }
  /// Time of the last frame in microseconds since `start`.
  [[nodiscard]] std::int64_t now() const { return now_; }
  /// Duration of the last frame. `ends_with_track`: it is the last one of a track whose length is stated.
  [[nodiscard]] std::chrono::microseconds last_duration(double frame_rate, bool ends_with_track) const;

 private:
  using Clock = std::chrono::steady_clock;

  /// Microseconds since start_waiting.
  [[nodiscard]] std::int64_t time_since_first_wait() const;
  [[nodiscard]] std::int64_t packet_duration(double frame_rate) const;

  const AVStream& stream_;
  bool is_live_;
  std::int64_t start_;
  bool has_begun_ = false;
  std::int64_t now_ = 0;
  std::int64_t latest_ = 0;  ///< Largest now_ so far.
  bool went_back_ = false;
  std::int64_t last_pts_ = AV_NOPTS_VALUE;  ///< Time of the last frame, in the stream's time base.
  std::int64_t last_packet_duration_ = 0;   ///< Duration of the last frame in that time base; 0: not known.
  Clock::time_point waits_since_;
};

}  // namespace streamdiffusion
