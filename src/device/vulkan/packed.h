#pragma once

#include <cstdint>
#include <utility>

#include "device/device.h"
#include "device/recording/weight_slot.h"
#include "device/vulkan/memory.h"

namespace streamdiffusion::vulkan {

/// Description of a layer's weights in GPU memory: [tap][in][column], the columns rounded up to a multiple of
/// four with zeros. With GEGLU, columns 2 i and 2 i + 1 are the value and the gate of output channel i.
struct Matrix {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  DType type = DType::f32;
  bool operator==(const Matrix&) const = default;
};

/// Weights of a convolution or a linear layer.
class PackedMatrix : public recording::WeightSlot {
 public:
  PackedMatrix(recording::SlotId id, const Matrix& layout, Buffer weights, Buffer bias)
      : WeightSlot(id), layout_(layout), weights_(std::move(weights)), bias_(std::move(bias)) {}

  [[nodiscard]] const Matrix& layout() const { return layout_; }
  [[nodiscard]] const Buffer& weights() const { return weights_; }
  /// [columns] in float32, or empty.
  [[nodiscard]] const Buffer& bias() const { return bias_; }

 private:
  Matrix layout_;
  Buffer weights_;
  Buffer bias_;
};

/// Gain or shift of a norm, in float32.
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
inline const PackedVector& vector_of(const recording::WeightHandle& weights) {
  return static_cast<const PackedVector&>(weights.slot());
}

}  // namespace streamdiffusion::vulkan
