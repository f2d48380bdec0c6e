#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion::recording {

/// Number of a weight slot. A device gives each number once.
enum class SlotId : std::uint64_t {};

/// The base class of a recording device's packed weights: a slot in its memory that keeps its address, while
/// Device::update_weights may replace the contents. The device makes one for each layer, with
/// RecordingDevice::next_slot; the recording layer knows nothing else of it.
class WeightSlot : public PackedWeights {
 public:
  explicit WeightSlot(SlotId id) : id_(id) {}
  WeightSlot(const WeightSlot&) = delete;
  WeightSlot& operator=(const WeightSlot&) = delete;

  [[nodiscard]] SlotId id() const { return id_; }

 private:
  SlotId id_;
};

/// A command's reference to weights. It compares slots by their numbers, as the slot of an earlier command
/// may have been freed.
class WeightHandle {
 public:
  explicit WeightHandle(const PackedWeights& weights)
      : slot_(&static_cast<const WeightSlot&>(weights)), id_(slot_->id()) {}

  /// The slot. It lives at least until the command is submitted.
  [[nodiscard]] const WeightSlot& slot() const { return *slot_; }

  bool operator==(const WeightHandle& other) const { return id_ == other.id_; }

 private:
  const WeightSlot* slot_;
  SlotId id_;
};

}  // namespace streamdiffusion::recording
