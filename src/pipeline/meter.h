#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "core/monotonic_clock.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {

/// Collects the statistics of a running pipeline from all its threads. Thread-safe.
class Meter {
 public:
  explicit Meter(const MonotonicClock& clock) : clock_(clock), start_(clock.now()) {}

  void add(std::int64_t PipelineStatistics::*count, std::int64_t amount = 1);

  /// Runs `work` and adds the time it takes.
  template <typename Work>
  auto time(double PipelineStatistics::*seconds, Work&& work) {
    const Timer timer{*this, seconds};
    return std::forward<Work>(work)();
  }

  /// Returns the current statistics. `fps` is measured between calls of `read` over the last three seconds.
  /// Must be called from one thread.
  PipelineStatistics read();

 private:
  struct Timer {
    Meter& meter;
    double PipelineStatistics::*seconds;
    MonotonicClock::TimePoint start = meter.clock_.now();
    ~Timer();
  };

  struct Sample {
    double elapsed;
    std::int64_t frames_out;
  };

  const MonotonicClock& clock_;
  MonotonicClock::TimePoint start_;
  std::mutex mutex_;
  PipelineStatistics counts_;
  std::deque<Sample> samples_;  // frame counts at the last calls of `read`, oldest first
};

}  // namespace streamdiffusion
