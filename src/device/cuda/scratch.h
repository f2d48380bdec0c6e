#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "core/round_up.h"
#include "device/device.h"

namespace streamdiffusion::cuda {

/// Places in the scratch memory of one operation, found before the memory is.
class ScratchPlan {
 public:
  /// Bytes from the beginning.
  std::size_t add(std::int64_t bytes) {
    const std::size_t place = bytes_;
    bytes_ += round_up(static_cast<std::size_t>(bytes), kAlignment);
    return place;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kAlignment = 256;
  std::size_t bytes_ = 0;
};

/// Memory of one operation at a time: operations are queued in order, so the next may use it again.
class Scratch {
 public:
  /// `moved` is called when the memory has been given back, before there is more in its place.
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

}  // namespace streamdiffusion::cuda
