#pragma once

#include <cstdint>

#include "device/device.h"
#include "device/recording/packed.h"
#include "device/recording/weight_slot.h"

namespace streamdiffusion::cuda {

/// Description of a layer's weights in GPU memory: [out][tap][in], with both channel counts rounded up and
/// the added channels zero. The bias is [padded_out_channels] in the type of activations.
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

using PackedMatrix = recording::PackedMatrix<Matrix>;
using recording::PackedVector;

inline const PackedMatrix& matrix_of(const recording::WeightHandle& weights) {
  return static_cast<const PackedMatrix&>(weights.slot());
}
inline const float* vector_of(const recording::WeightHandle& weights) {
  return static_cast<const float*>(static_cast<const PackedVector&>(weights.slot()).values().data());
}

}  // namespace streamdiffusion::cuda
