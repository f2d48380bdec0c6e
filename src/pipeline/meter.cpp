#include "pipeline/meter.h"

#include <chrono>

namespace streamdiffusion {
namespace {

constexpr double kWindowSeconds = 3;  // Long enough for a steady rate at 1 frame a second.

}  // namespace

void Meter::add(std::int64_t PipelineStatistics::*count, std::int64_t amount) {
  const std::lock_guard lock(mutex_);
  counts_.*count += amount;
}

Meter::Timer::~Timer() {
  const std::chrono::duration<double> taken = meter.clock_.now() - start;
  const std::lock_guard lock(meter.mutex_);
  meter.counts_.*seconds += taken.count();
}

PipelineStatistics Meter::read() {
  const std::lock_guard lock(mutex_);
  counts_.elapsed_seconds = std::chrono::duration<double>(clock_.now() - start_).count();
  if (samples_.empty()) {
    samples_.push_back({0, 0});
  }
  samples_.push_back({counts_.elapsed_seconds, counts_.frames_out});
  while (samples_.size() > 2 && samples_[1].elapsed < counts_.elapsed_seconds - kWindowSeconds) {
    samples_.pop_front();
  }
  const Sample& oldest = samples_.front();
  const double window = counts_.elapsed_seconds - oldest.elapsed;
  counts_.fps = window > 0 ? static_cast<double>(counts_.frames_out - oldest.frames_out) / window : 0;
  return counts_;
}

}  // namespace streamdiffusion
