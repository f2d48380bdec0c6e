#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "device/cpu/features.h"
#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Memory for intermediate results that grows to what was needed most and is then kept.
class Scratch {
 public:
  float* get(Device& device, std::int64_t floats) {
    const auto bytes = static_cast<std::size_t>(floats) * sizeof(float);
    if (bytes > buffer_.bytes()) {
      buffer_ = Buffer();
      buffer_ = device.allocate(bytes);
    }
    return static_cast<float*>(buffer_.data());
  }

 private:
  Buffer buffer_;
};

/// The threads of the device, with memory for each and for all of them together.
class Workers {
 public:
  Workers(Device& device, int threads, const Features& features)
      : device_(device), features_(features), pool_(threads), own_(static_cast<std::size_t>(threads)) {}

  ThreadPool& pool() { return pool_; }
  /// What the threads' processors can do.
  [[nodiscard]] const Features& features() const { return features_; }
  float* shared(std::int64_t floats) { return shared_.get(device_, floats); }

  /// Makes room for every thread; here, and not in a task, running out of memory can be told.
  void prepare(std::int64_t floats) {
    for (Scratch& scratch : own_) {
      scratch.get(device_, floats);
    }
  }
  /// A thread's own memory, as much as was prepared.
  float* own(int thread) { return own_[static_cast<std::size_t>(thread)].get(device_, 0); }

 private:
  Device& device_;
  Features features_;
  ThreadPool pool_;
  std::vector<Scratch> own_;
  Scratch shared_;
};

}  // namespace streamdiffusion::cpu
