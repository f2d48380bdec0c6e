#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "device/device.h"

namespace streamdiffusion {

/// Measures the time that a device takes for one stage of a step, such as the UNet. The device works on
/// undisturbed: the time is read only when the step is done.
class StageTimer {
 public:
  explicit StageTimer(Device& device) : start_(device.make_timestamp()), end_(device.make_timestamp()) {}

  void start() {
    sharers_ = 0;
    start_->record();
  }
  /// Ends the measurement. The time is divided by `sharers`, the number of streams in a shared call.
  void stop(std::size_t sharers = 1) {
    end_->record();
    sharers_ = sharers;
  }
  /// Returns the seconds that were measured since the last call, or 0 if no stage has ended. Waits until the
  /// device has computed the stage.
  double take() {
    const std::size_t sharers = std::exchange(sharers_, 0);
    return sharers > 0 ? end_->seconds_since(*start_) / static_cast<double>(sharers) : 0;
  }

 private:
  std::unique_ptr<Timestamp> start_;
  std::unique_ptr<Timestamp> end_;
  std::size_t sharers_ = 0;  // 0: there is no measurement to take
};

}  // namespace streamdiffusion
