#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace streamdiffusion::cuda {

/// Chooses among candidates by measuring them, until all choices together have taken a certain time.
class MeasuredChoice {
 public:
  using Clock = std::chrono::steady_clock;

  explicit MeasuredChoice(Clock::duration time) : left_(time) {}

  /// The quickest of the first few of `count`. `measure` gives what a candidate takes, or none where it
  /// cannot be used. None where no time is left or none of them can be used.
  template <typename Measure>
  std::optional<std::int64_t> quickest(std::int64_t count, Measure&& measure) {
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
  static constexpr std::int64_t kMostMeasured = 3;
  Clock::duration left_;
};

}  // namespace streamdiffusion::cuda
