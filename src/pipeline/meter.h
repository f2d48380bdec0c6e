#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <utility>

#include "streamdiffusion/pipeline.h"

namespace streamdiffusion {

/// The statistics of a running pipeline, which all its threads add to. Thread-safe.
class Meter {
 public:
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
  using Clock = std::chrono::steady_clock;

  struct Timer {
    Meter& meter;
    double PipelineStatistics::*seconds;
    Clock::time_point start = Clock::now();
    ~Timer();
  };

  struct Sample {
    double elapsed;
    std::int64_t frames_out;
  };

  Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  PipelineStatistics counts_;
  std::deque<Sample> samples_;  // of the last seconds, oldest first
};

}  // namespace streamdiffusion
