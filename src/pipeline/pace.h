#pragma once

#include <algorithm>
#include <chrono>

namespace streamdiffusion {

/// Says when the last frame of a live source is to be stepped again because no new one has come.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;

  Pace(double frame_rate, int frames_a_step)
      : interval_(std::chrono::duration_cast<Clock::duration>(
            std::chrono::duration<double>(1 / (frame_rate > 0 ? frame_rate : 25)))),
        frames_a_step_(frames_a_step) {}

  void frame_arrived() { reuse_at_ = Clock::now() + interval_ * 3 / 2; }
  void stepped_again() { reuse_at_ = std::max(reuse_at_ + interval_ * frames_a_step_, Clock::now()); }
  [[nodiscard]] Clock::time_point reuse_at() const { return reuse_at_; }

 private:
  Clock::duration interval_;
  int frames_a_step_;
  Clock::time_point reuse_at_;
};

}  // namespace streamdiffusion
