#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Chooses the presentation times (pts) of frames in a video file, in ticks of a time base.
class FramePlacement {
 public:
  struct Options {
    AVRational frame_rate{25, 1};
    /// True: frames are shown at their own times. False: they are evenly spaced.
    bool by_time = false;
    /// True if the file has one frame rate: frames lie on multiples of the frame interval without gaps.
    bool fixed_rate = false;
  };
  explicit FramePlacement(const Options& options);

  /// The length of a tick in seconds. Where frames may come at any time, it is a small fraction of the frame
  /// interval.
  [[nodiscard]] AVRational time_base() const { return time_base_; }

  /// Sets two distances in ticks, initially 1. Frames closer than `same_time` count as simultaneous. Frames
  /// further apart than that but closer than `shortest` are dropped.
  void set_gaps(std::int64_t same_time, std::int64_t shortest) {
    same_time_ = same_time;
    shortest_ = shortest;
  }

  /// Returns the pts of the next frame, or nothing if the frame is dropped. The first frame's pts is 0.
  /// Frames at the frame rate are placed exactly evenly even if a container has rounded their times. A frame
  /// at the time of the one before is shown half a frame interval later. It is dropped if that is more than
  /// an interval late.
  std::optional<std::int64_t> place_frame(std::chrono::microseconds since_first);

  /// Sets how long the last frame is shown. Without this call it lasts as long as the one before.
  void set_last_duration(std::chrono::microseconds duration);

  /// The time at which the last frame ends.
  [[nodiscard]] std::int64_t end() const;

  /// The number of frames dropped because others came at the same time.
  [[nodiscard]] std::int64_t simultaneous_frames() const { return simultaneous_frames_; }

  /// The number of frames dropped because they are closer than `shortest` to the one before.
  [[nodiscard]] std::int64_t close_frames() const { return close_frames_; }

  /// Ticks from frame to frame at the frame rate.
  [[nodiscard]] std::int64_t frame_interval() const { return interval_; }

 private:
  [[nodiscard]] double ticks(std::chrono::microseconds time) const;
  [[nodiscard]] double desired_pts(std::chrono::microseconds since_first) const;
  [[nodiscard]] double even_pts(double exact) const;
  [[nodiscard]] std::optional<std::int64_t> free_pts(double desired) const;
  [[nodiscard]] std::optional<std::int64_t> multiple_pts(double desired) const;

  Options options_;
  AVRational time_base_;
  std::int64_t interval_;
  std::int64_t same_time_ = 1;
  std::int64_t shortest_ = 1;
  std::int64_t simultaneous_frames_ = 0;
  std::int64_t close_frames_ = 0;
  std::int64_t last_ = -1;   ///< The pts of the last frame that was not dropped.
  double desired_ = 0;       ///< The desired pts of the last frame, dropped or not, before rounding.
  double last_duration_;     ///< Duration of the last frame in ticks.
  std::int64_t frames_ = 0;  ///< Number of frames so far.
};

}  // namespace streamdiffusion
