#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "device/device.h"
#include "device/recording/commands.h"
#include "device/recording/weight_slot.h"

namespace streamdiffusion::recording {

/// A base class for devices that repeat sequences which they have recorded. It turns operations into
/// commands. The commands of a sequence are collected and passed on together; others are passed on one at a
/// time.
///
/// A device's pack_* functions return WeightSlots. `run` and `run_sequence` compute commands; Recordings
/// keeps what `run_sequence` has recorded. Every other function that a device implements calls
/// `end_recording` first, so that operations keep their order.
class RecordingDevice : public Device {
 public:
  void sequence(const std::function<void()>& operations) override;

  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override {
    submit(Conv2dCommand{x, WeightHandle(weights), options, out});
  }
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override {
    submit(LinearCommand{x, WeightHandle(weights), options, out});
  }
  void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, std::int64_t groups,
                  float epsilon, Activation activation, const Tensor& out) override {
    submit(GroupNormCommand{x, WeightHandle(gain), WeightHandle(shift), groups, epsilon, activation, out});
  }
  void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, float epsilon,
                  const Tensor& out) override {
    submit(LayerNormCommand{x, WeightHandle(gain), WeightHandle(shift), epsilon, out});
  }
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override;
  void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
           const Tensor& out) override {
    submit(MapCommand{x, scale, activation, out_scale, shift, out});
  }
  void copy(const Tensor& x, const Tensor& out) override { submit(CopyCommand{x, out}); }
  void add(const Tensor& x, const Tensor& y, const Tensor& out) override { submit(AddCommand{x, y, out}); }
  void combine(const Tensor& x, std::span<const float> a, const Tensor& y, std::span<const float> b,
               const Tensor& out) override;

  bool update_weights(std::span<const WeightUpdate> updates) override;

 protected:
  /// Computes a single operation, or a sequence that cannot be repeated.
  virtual void run(const Commands& commands) = 0;
  /// Computes a complete sequence, which may be repeated later.
  virtual void run_sequence(const Commands& commands) = 0;

  /// True if the contents of either slot fit into the other.
  [[nodiscard]] virtual bool have_same_layout(const WeightSlot& one, const WeightSlot& other) const = 0;
  /// Queues a copy of the contents of `from` to `to`, which has the same layout.
  virtual void copy_contents(const WeightSlot& from, const WeightSlot& to) = 0;

  /// Returns the number of the next slot.
  SlotId next_slot() { return SlotId{slots_++}; }

  /// Ends the recording of the current sequence, if any, and runs its commands. Must be called before an
  /// operation that is not a command. The rest of the sequence then runs without being recorded.
  void end_recording();

 private:
  void submit(const Command& command);
  void hand_over(void (RecordingDevice::*computation)(const Commands&));

  Commands pending_;  // commands of the sequence that is being recorded, or a single one
  bool recording_ = false;
  std::uint64_t slots_ = 0;
};

}  // namespace streamdiffusion::recording
