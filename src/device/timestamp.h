#pragma once

#include <chrono>

namespace streamdiffusion {

/// The time at which a device has computed the operations queued before `record`. Two timestamps measure the
/// operations between them without waiting for the device there.
class Timestamp {
 public:
  virtual ~Timestamp() = default;

  /// Queues the timestamp. It must not be called within a sequence (Device::sequence).
  virtual void record() = 0;
  /// Returns the seconds from `earlier` to this timestamp. Both are of one device and have been recorded.
  /// Waits until the device has reached them.
  [[nodiscard]] virtual double seconds_since(const Timestamp& earlier) const = 0;
};

/// A reading of the host's clock, for devices that compute each operation before its function returns.
class HostTimestamp final : public Timestamp {
 public:
  void record() override { time_ = std::chrono::steady_clock::now(); }
  [[nodiscard]] double seconds_since(const Timestamp& earlier) const override {
    const auto& start = static_cast<const HostTimestamp&>(earlier);
    return std::chrono::duration<double>(time_ - start.time_).count();
  }

 private:
  std::chrono::steady_clock::time_point time_;
};

}  // namespace streamdiffusion
