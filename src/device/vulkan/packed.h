#pragma once

#include <cstdint>

#include "device/device.h"
#include "device/recording/packed.h"
#include "device/recording/weight_slot.h"

namespace streamdiffusion::vulkan {

/// Description of a layer's weights in GPU memory: [tap][in][column], the columns rounded up to a multiple of
/// four with zeros. With GEGLU, columns 2 i and 2 i + 1 are the value and the gate of output channel i.
/// The bias is [columns] in float32.
struct Matrix {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  DType type = DType::f32;
  bool operator==(const Matrix&) const = default;
};

using PackedMatrix = recording::PackedMatrix<Matrix>;
using recording::PackedVector;

inline const PackedMatrix& matrix_of(const recording::WeightHandle& weights) {
  return static_cast<const PackedMatrix&>(weights.slot());
}
inline const PackedVector& vector_of(const recording::WeightHandle& weights) {
  return static_cast<const PackedVector&>(weights.slot());
}

}  // namespace streamdiffusion::vulkan
