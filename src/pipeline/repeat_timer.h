#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/monotonic_clock.h"

namespace streamdiffusion {

/// Decides when the last frame of a live source is stepped again because no new one has arrived. That is one
/// and a half frame intervals after the frame, then at the source's frame rate.
class RepeatTimer {
 public:
  using Duration = MonotonicClock::Duration;
  using TimePoint = MonotonicClock::TimePoint;

  RepeatTimer(double frame_rate, int frames_a_step)
      : interval_(std::chrono::duration_cast<Duration>(
            std::chrono::duration<double>(1 / (frame_rate > 0 ? frame_rate : 25)))),
        frames_a_step_(frames_a_step) {}

  void frame_arrived(TimePoint now) {
    input_at_ = now;
    reuse_at_ = input_at_ + interval_ * 3 / 2;
  }
  /// Records that the last frame is stepped again. Returns the time since the last input, new or repeated.
  Duration step_again(TimePoint now) {
    reuse_at_ = std::max(reuse_at_ + interval_ * frames_a_step_, now);
    return now - std::exchange(input_at_, now);
  }
  /// The time at which the last frame is to be stepped again.
  [[nodiscard]] TimePoint reuse_at() const { return reuse_at_; }

 private:
  Duration interval_;
  int frames_a_step_;
  TimePoint input_at_;
  TimePoint reuse_at_;
};

}  // namespace streamdiffusion
