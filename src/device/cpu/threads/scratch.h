#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/round_up.h"
#include "device/cpu/cache_sizes.h"
#include "device/cpu/features.h"
#include "device/cpu/threads/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A buffer for intermediate results, which grows to the largest size asked for and never shrinks.
class Scratch {
 public:
  /// Returns memory for so many floats, not cleared. Growing frees what earlier calls returned. Throws Error
  /// if the device has too little memory.
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

/// The device's threads, with scratch memory for each thread and for all together. Not thread-safe itself,
/// but tasks may call thread_scratch().
class Workers {
 public:
  Workers(Device& device, int threads, const Features& features, const CacheSizes& caches)
      : device_(device), features_(features), caches_(caches), pool_(threads) {}

  ThreadPool& pool() { return pool_; }
  /// Processor features that kernels may use.
  [[nodiscard]] const Features& features() const { return features_; }
  /// Caches that work is divided by.
  [[nodiscard]] const CacheSizes& caches() const { return caches_; }
  /// Returns memory for all threads together, valid until the next call.
  float* shared_scratch(std::int64_t floats) { return shared_scratch_.get(device_, floats); }

  /// Reserves memory for each thread. Called before a task, since tasks cannot report that memory ran out.
  void reserve_thread_scratch(std::int64_t floats) {
    constexpr std::int64_t kCacheLine = 16;  // Floats in its 64 bytes.
    const std::int64_t each = std::max(floats_per_thread_, round_up(floats, kCacheLine));
    thread_scratch_.get(device_, each * pool_.threads());
    floats_per_thread_ = each;
  }
  /// Returns a thread's own memory, of the size passed to reserve_thread_scratch().
  float* thread_scratch(int thread) { return thread_scratch_.get(device_, 0) + thread * floats_per_thread_; }

 private:
  Device& device_;
  Features features_;
  CacheSizes caches_;
  ThreadPool pool_;
  Scratch thread_scratch_;  // One buffer for all threads, so that it fills large pages.
  std::int64_t floats_per_thread_ = 0;
  Scratch shared_scratch_;
};

}  // namespace streamdiffusion::cpu
