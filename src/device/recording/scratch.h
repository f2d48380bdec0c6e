#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "core/round_up.h"
#include "device/device.h"

namespace streamdiffusion::recording {

/// The layout of one operation's scratch memory, planned before the memory is allocated.
class ScratchPlan {
 public:
  /// Reserves `bytes` and returns their offset from the beginning.
  std::size_t add(std::int64_t bytes) {
    const std::size_t place = bytes_;
    bytes_ += round_up(static_cast<std::size_t>(bytes), kAlignment);
    return place;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kAlignment = 256;  // That of memory which CUDA allocates.
  std::size_t bytes_ = 0;
};

/// Scratch memory that operations share. Operations run in the order in which they are queued, so each may
/// reuse the memory of the one before.
class Scratch {
 public:
  /// `moved` is called if the memory must grow, after the old one is freed and before the new one is
  /// allocated.
  Scratch(Device& device, std::function<void()> moved) : device_(device), moved_(std::move(moved)) {}

  std::byte* get(const ScratchPlan& plan) {
    if (plan.bytes() > buffer_.bytes()) {
      buffer_ = {};
      moved_();
      buffer_ = device_.allocate(plan.bytes());
    }
    return static_cast<std::byte*>(buffer_.data());
  }

 private:
  Device& device_;
  std::function<void()> moved_;
  Buffer buffer_;
};

}  // namespace streamdiffusion::recording
