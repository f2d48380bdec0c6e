#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace streamdiffusion::cuda {

/// Chooses among candidates by measuring them, as long as a time budget for all choices together lasts.
class MeasuredChoice {
 public:
  using Clock = std::chrono::steady_clock;

  explicit MeasuredChoice(Clock::duration time) : left_(time) {}

  /// Returns the fastest of the first kMostMeasured of `count` candidates. `measure` returns a candidate's
  /// time, or nullopt if it is not usable. Returns nullopt if no time is left or no candidate is usable.
  template <typename Measure>
  std::optional<std::int64_t> choose_fastest(std::int64_t count, Measure&& measure) {
    std::optional<std::int64_t> best;
    float least = 0;
    for (std::int64_t i = 0; i < std::min(count, kMostMeasured) && left_ > Clock::duration::zero(); ++i) {
      const Clock::time_point start = Clock::now();
      const std::optional<float> taken = measure(i);
      left_ -= Clock::now() - start;
      if (taken && (!best || *taken < least)) {
        best = i;
        least = *taken;
      }
    }
    return best;
  }

 private:
  // Candidates come in the order of the library's own estimate, so the fastest is usually among the first.
  static constexpr std::int64_t kMostMeasured = 3;
  Clock::duration left_;
};

}  // namespace streamdiffusion::cuda
