#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace streamdiffusion {

/// Says when the last frame of a live source is to be stepped again because no new one has come.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(double frame_rate, int frames_a_step)
      : interval_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(1 / (frame_rate > 0 ? frame_rate : 25)))),
        frames_a_step_(frames_a_step) {}

  void frame_arrived() {
    input_at_ = Clock::now();
    reuse_at_ = input_at_ + interval_ * 3 / 2;
  }
  /// Returns the time since the last input, new or stepped again.
  Clock::duration step_again() {
    const Clock::time_point now = Clock::now();
    reuse_at_ = std::max(reuse_at_ + interval_ * frames_a_step_, now);
    return now - std::exchange(input_at_, now);
  }
  [[nodiscard]] Clock::time_point reuse_at() const { return reuse_at_; }

 private:
  Clock::duration interval_;
  int frames_a_step_;
  Clock::time_point input_at_;
  Clock::time_point reuse_at_;
};

}  // namespace streamdiffusion
