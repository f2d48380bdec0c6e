#pragma once

#include <atomic>
#include <chrono>

#include "media/ffmpeg.h"

namespace streamdiffusion {

/// Makes FFmpeg stop waiting when `stop` becomes true or time is up. FFmpeg keeps this object's address.
class Interrupt {
 public:
  using Clock = std::chrono::steady_clock;

  /// `stop` may be null.
  explicit Interrupt(const std::atomic<bool>* stop) : stop_(stop) {}
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// Sets the deadline to `time` from now.
  void set_timeout(std::chrono::milliseconds time) { deadline_ = Clock::now() + time; }
  [[nodiscard]] bool stopped() const { return stop_ != nullptr && *stop_; }
  [[nodiscard]] bool time_is_up() const { return Clock::now() >= deadline_.load(); }
  /// True if FFmpeg has to stop waiting.
  [[nodiscard]] bool must_stop_waiting() const { return stopped() || time_is_up(); }

  [[nodiscard]] AVIOInterruptCB callback() {
    return {
        [](void* self) { return static_cast<int>(static_cast<const Interrupt*>(self)->must_stop_waiting()); },
        this};
  }

 private:
  const std::atomic<bool>* stop_;
  std::atomic<Clock::time_point> deadline_ = Clock::time_point::max();  // Read on protocols' threads too.
};

}  // namespace streamdiffusion
