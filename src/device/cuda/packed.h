#pragma once

#include <cstdint>
#include <utility>

#include "device/device.h"
#include "device/recording/weight_slot.h"

namespace streamdiffusion::cuda {

/// Description of a layer's weights in GPU memory: [out][tap][in], with both channel counts rounded up and
/// the added channels zero.
struct Matrix {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t padded_out_channels = 0;
  std::int64_t padded_in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  bool operator==(const Matrix&) const = default;
};

/// Weights of a convolution or a linear layer.
class PackedMatrix : public recording::WeightSlot {
 public:
  PackedMatrix(recording::SlotId id, const Matrix& layout, Buffer weights, Buffer bias)
      : WeightSlot(id), layout_(layout), weights_(std::move(weights)), bias_(std::move(bias)) {}

  [[nodiscard]] const Matrix& layout() const { return layout_; }
  [[nodiscard]] const Buffer& weights() const { return weights_; }
  /// [padded_out_channels] in the type of activations, or empty.
  [[nodiscard]] const Buffer& bias() const { return bias_; }

 private:
  Matrix layout_;
  Buffer weights_;
  Buffer bias_;
};

/// Gain or shift of a norm, in float32 on the GPU.
class PackedVector : public recording::WeightSlot {
 public:
  PackedVector(recording::SlotId id, Buffer values) : WeightSlot(id), values_(std::move(values)) {}

  [[nodiscard]] const Buffer& values() const { return values_; }

 private:
  Buffer values_;
};

inline const PackedMatrix& matrix_of(const recording::WeightHandle& weights) {
  return static_cast<const PackedMatrix&>(weights.slot());
}
inline const float* vector_of(const recording::WeightHandle& weights) {
  return static_cast<const float*>(static_cast<const PackedVector&>(weights.slot()).values().data());
}

}  // namespace streamdiffusion::cuda
