#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/round_up.h"
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
      : device_(device), features_(features), pool_(threads) {}

  ThreadPool& pool() { return pool_; }
  /// What the threads' processors can do.
  [[nodiscard]] const Features& features() const { return features_; }
  float* shared(std::int64_t floats) { return shared_.get(device_, floats); }

  /// Makes room for every thread; here, and not in a task, running out of memory can be told.
  void prepare(std::int64_t floats) {
    constexpr std::int64_t kCacheLine = 16;
    const std::int64_t each = std::max(own_floats_, round_up(floats, kCacheLine));
    own_.get(device_, each * pool_.threads());
    own_floats_ = each;
  }
  /// A thread's own memory, as much as was prepared.
  float* own(int thread) { return own_.get(device_, 0) + thread * own_floats_; }

 private:
  Device& device_;
  Features features_;
  ThreadPool pool_;
  Scratch own_;  // of all threads in one piece, which fills large pages
  std::int64_t own_floats_ = 0;
  Scratch shared_;
};

}  // namespace streamdiffusion::cpu
