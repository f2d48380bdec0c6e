#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace streamdiffusion {

/// A clock for measuring time and for waiting. `real()` is std::chrono::steady_clock; tests pass a clock that
/// they advance themselves (tests/manual_clock.h). Thread-safe.
class MonotonicClock {
 public:
  using Duration = std::chrono::steady_clock::duration;
  using TimePoint = std::chrono::steady_clock::time_point;

  virtual ~MonotonicClock() = default;

  [[nodiscard]] virtual TimePoint now() const = 0;
  virtual void sleep_for(Duration time) = 0;
  /// Waits until `changed` is notified or `deadline` is reached. It may also wake up spuriously, as a
  /// condition variable does.
  virtual std::cv_status wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                                    TimePoint deadline) = 0;

  /// Waits until the condition holds or `deadline` is reached. Returns true if the condition holds.
  template <typename Condition>
  bool wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, TimePoint deadline,
                  Condition&& holds) {
    while (!holds()) {
      if (wait_until(lock, changed, deadline) == std::cv_status::timeout) {
        return holds();
      }
    }
    return true;
  }

  static MonotonicClock& real();

 protected:
  MonotonicClock() = default;
  MonotonicClock(const MonotonicClock&) = default;
  MonotonicClock& operator=(const MonotonicClock&) = default;
};

}  // namespace streamdiffusion
