#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "core/monotonic_clock.h"
#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {

/// The statistics of a running pipeline, which all its threads add to. Thread-safe.
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

  /// The counts of this moment. To be called from one thread; `fps` is over the calls of the last seconds.
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
  std::deque<Sample> samples_;  // of the last seconds, oldest first
};

}  // namespace streamdiffusion
