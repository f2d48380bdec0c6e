#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Gives frames their places on the time line of a video file.
class FramePlacement {
 public:
  struct Options {
    AVRational frame_rate{25, 1};
    /// Frames are shown at their own times instead of evenly spaced.
    bool by_time = false;
    /// The file has one frame rate: frames lie on multiples of the frame interval, and none is empty.
    bool fixed_rate = false;
  };
  explicit FramePlacement(const Options& options);

  /// The unit of all places. Where frames may come at any time it divides the frame interval finely.
  [[nodiscard]] AVRational time_base() const { return time_base_; }

  /// Both in ticks, 1 at first. Frames come at the same time if less than `same_time` lies between them.
  /// Frames that are further apart, but nearer than `shortest`, are left out.
  void set_gaps(std::int64_t same_time, std::int64_t shortest) {
    same_time_ = same_time;
    shortest_ = shortest;
  }

  /// The place of the next frame; nothing where the frame is left out. The first frame's place is 0. Frames
  /// that follow each other at the frame rate are placed exactly evenly, in spite of times that a container
  /// has rounded. A frame that comes at the time of the one before is shown half a frame interval behind it,
  /// unless that makes it more than a frame interval late.
  std::optional<std::int64_t> place(std::chrono::microseconds since_first);

  /// Says how long the last frame is shown. Without it, it lasts as long as the one before.
  void set_last_duration(std::chrono::microseconds duration);

  /// The place where the last frame ends.
  [[nodiscard]] std::int64_t end() const;

  /// The number of frames left out because others came at the same time.
  [[nodiscard]] std::int64_t crowded_out() const { return crowded_out_; }

  /// The number of frames left out because they are nearer than `shortest` to the one before.
  [[nodiscard]] std::int64_t too_near() const { return too_near_; }

  /// Ticks from frame to frame at the frame rate.
  [[nodiscard]] std::int64_t frame_interval() const { return interval_; }

 private:
  [[nodiscard]] double ticks(std::chrono::microseconds time) const;
  [[nodiscard]] double wished_place(std::chrono::microseconds since_first) const;
  [[nodiscard]] double even_place(double exact) const;
  [[nodiscard]] std::optional<std::int64_t> free_place(double wished) const;
  [[nodiscard]] std::optional<std::int64_t> multiple(double wished) const;

  Options options_;
  AVRational time_base_;
  std::int64_t interval_;
  std::int64_t same_time_ = 1;
  std::int64_t shortest_ = 1;
  std::int64_t crowded_out_ = 0;
  std::int64_t too_near_ = 0;
  std::int64_t last_ = -1;  ///< place of the last frame that was not left out
  double wished_ = 0;       ///< place of the last frame, left out or not, before it was rounded
  double last_duration_;    ///< ticks from the last frame to its end
  std::int64_t given_ = 0;  ///< frames so far
};

}  // namespace streamdiffusion
