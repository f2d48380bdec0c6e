#pragma once

#include <functional>
#include <span>
#include <utility>

#include "device/cuda/commands.h"
#include "device/cuda/packed.h"
#include "device/device.h"

namespace streamdiffusion::cuda {

/// A base class for devices that turns operations into commands. The commands of a sequence are collected and
/// passed on together; others are passed on one at a time.
class RecordingDevice : public Device {
 public:
  void sequence(const std::function<void()>& operations) override;

  void conv2d(const Tensor& x, const PackedWeights& weights, const Conv2dOptions& options,
              const Tensor& out) override {
    submit(Conv2dCommand{x, matrix_of(weights), options, out});
  }
  void linear(const Tensor& x, const PackedWeights& weights, const LinearOptions& options,
              const Tensor& out) override {
    submit(LinearCommand{x, matrix_of(weights), options, out});
  }
  void group_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, std::int64_t groups,
                  float epsilon, Activation activation, const Tensor& out) override {
    submit(GroupNormCommand{x, vector_of(gain), vector_of(shift), groups, epsilon, activation, out});
  }
  void layer_norm(const Tensor& x, const PackedWeights& gain, const PackedWeights& shift, float epsilon,
                  const Tensor& out) override {
    submit(LayerNormCommand{x, vector_of(gain), vector_of(shift), epsilon, out});
  }
  void attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options,
                 const Tensor& out) override;
  void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
           const Tensor& out) override {
    submit(MapCommand{x, scale, activation, out_scale, shift, out});
  }
  void copy(const Tensor& x, const Tensor& out) override { submit(CopyCommand{x, out}); }
  /// Moves only the weights of convolutions and linear layers, because LoRAs change nothing else.
  void move_to_address_of(const PackedWeights& weights, const PackedWeights& old) override;

 protected:
  /// Computes a single operation, or a sequence that cannot be repeated.
  virtual void run(const Commands& commands) = 0;
  /// Computes a complete sequence, which may be repeated later.
  virtual void run_sequence(const Commands& commands) = 0;

  /// Queues a copy of all bytes of `from` to `to`.
  virtual void copy_buffer(const Buffer& from, const Buffer& to) = 0;

  /// Ends the recording of the current sequence, if any, and runs its commands. Must be called before an
  /// operation that is not a command. The rest of the sequence then runs without being recorded.
  void end_recording();

 private:
  static Matrix matrix_of(const PackedWeights& weights) {
    return static_cast<const PackedMatrix&>(weights).matrix();
  }
  static const float* vector_of(const PackedWeights& weights) {
    return static_cast<const PackedVector&>(weights).data();
  }
  void submit(const Command& command);
  void hand_over(void (RecordingDevice::*computation)(const Commands&));

  Commands pending_;  // commands of the sequence that is being recorded, or a single one
  bool recording_ = false;
};

}  // namespace streamdiffusion::cuda
