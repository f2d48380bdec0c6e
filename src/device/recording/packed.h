#pragma once

#include <utility>

#include "device/device.h"
#include "device/recording/weight_slot.h"

// The weight slots of devices that keep weights in buffers. A device's Layout describes the weights of a
// matrix and can be compared.
namespace streamdiffusion::recording {

/// Weights of a convolution or a linear layer.
template <typename Layout>
class PackedMatrix : public WeightSlot {
 public:
  PackedMatrix(SlotId id, const Layout& layout, Buffer weights, Buffer bias)
      : WeightSlot(id), layout_(layout), weights_(std::move(weights)), bias_(std::move(bias)) {}

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] const Buffer& weights() const { return weights_; }
  /// The bias, or an empty buffer if the layer has none.
  [[nodiscard]] const Buffer& bias() const { return bias_; }

 private:
  Layout layout_;
  Buffer weights_;
  Buffer bias_;
};

/// Gain or shift of a norm, in float32.
class PackedVector : public WeightSlot {
 public:
  PackedVector(SlotId id, Buffer values) : WeightSlot(id), values_(std::move(values)) {}

  [[nodiscard]] const Buffer& values() const { return values_; }

 private:
  Buffer values_;
};

/// True if both slots are matrices or both are vectors, and the contents of either fit into the other.
template <typename Layout>
bool have_same_layout(const WeightSlot& one, const WeightSlot& other) {
  const auto* const matrix = dynamic_cast<const PackedMatrix<Layout>*>(&one);
  const auto* const other_matrix = dynamic_cast<const PackedMatrix<Layout>*>(&other);
  if (matrix != nullptr && other_matrix != nullptr) {
    return matrix->layout() == other_matrix->layout() &&
           matrix->bias().bytes() == other_matrix->bias().bytes();
  }
  const auto* const vector = dynamic_cast<const PackedVector*>(&one);
  const auto* const other_vector = dynamic_cast<const PackedVector*>(&other);
  return vector != nullptr && other_vector != nullptr &&
         vector->values().bytes() == other_vector->values().bytes();
}

/// Calls `copy(from, to)` for each buffer of two slots that have the same layout.
template <typename Layout, typename Copy>
void copy_buffers(const WeightSlot& from, const WeightSlot& to, Copy&& copy) {
  if (const auto* const matrix = dynamic_cast<const PackedMatrix<Layout>*>(&from)) {
    const auto& slot = static_cast<const PackedMatrix<Layout>&>(to);
    copy(matrix->weights(), slot.weights());
    copy(matrix->bias(), slot.bias());
  } else {
    copy(static_cast<const PackedVector&>(from).values(), static_cast<const PackedVector&>(to).values());
  }
}

}  // namespace streamdiffusion::recording
