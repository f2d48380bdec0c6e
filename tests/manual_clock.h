#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "core/monotonic_clock.h"

namespace streamdiffusion {

/// The longest real time that a test waits for something that must happen. It only ends tests that would
/// hang.
inline constexpr std::chrono::seconds kTestPatience{60};

/// A clock that stands still until a test moves it. A thread that sleeps by it moves it and continues at
/// once. Thread-safe.
class ManualClock final : public MonotonicClock {
 public:
  using MonotonicClock::wait_until;

  [[nodiscard]] TimePoint now() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void sleep_for(Duration time) override { move(time); }

  std::cv_status wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                            TimePoint deadline) override {
    if (!begin_wait(deadline)) {
      return std::cv_status::timeout;
    }
    changed.wait_for(lock, kLook);
    return end_wait(deadline) ? std::cv_status::no_timeout : std::cv_status::timeout;
  }

  void move(Duration time) { move_to(now() + time); }
  /// Moves the clock to `time`, never back.
  void move_to(TimePoint time) {
    const std::lock_guard lock(mutex_);
    now_ = std::max(now_, time);
  }

  /// Waits until a thread waits for a time later than now. Returns the earliest such time.
  [[nodiscard]] TimePoint next_deadline() const {
    std::unique_lock lock(mutex_);
    const auto later = [this](TimePoint deadline) { return deadline > now_; };
    await(lock, [&] { return std::ranges::any_of(deadlines_, later); });
    TimePoint earliest = TimePoint::max();
    for (const TimePoint deadline : deadlines_) {
      earliest = later(deadline) ? std::min(earliest, deadline) : earliest;
    }
    return earliest;
  }
  /// Waits until a thread waits for exactly that time.
  void await_deadline(TimePoint deadline) const {
    std::unique_lock lock(mutex_);
    await(lock, [&] { return std::ranges::find(deadlines_, deadline) != deadlines_.end(); });
  }

 private:
  static constexpr std::chrono::milliseconds kLook{1};  // Real time between two checks of the clock.

  template <typename Condition>
  void await(std::unique_lock<std::mutex>& lock, Condition&& holds) const {
    if (!waits_.wait_for(lock, kTestPatience, holds)) {
      throw std::runtime_error("no thread waits for that time");
    }
  }

  bool begin_wait(TimePoint deadline) {
    const std::lock_guard lock(mutex_);
    if (now_ >= deadline) {
      return false;
    }
    deadlines_.push_back(deadline);
    waits_.notify_all();
    return true;
  }
  /// Ends a thread's wait. Returns false if the deadline has passed.
  bool end_wait(TimePoint deadline) {
    const std::lock_guard lock(mutex_);
    deadlines_.erase(std::ranges::find(deadlines_, deadline));
    return now_ < deadline;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable waits_;
  TimePoint now_ = std::chrono::steady_clock::now();
  std::vector<TimePoint> deadlines_;  // Deadlines of the waiting threads.
};

}  // namespace streamdiffusion
