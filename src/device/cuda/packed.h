#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// A layer's weights as the GPU reads them: [out][tap][in] with both numbers of channels rounded up, zeros in
/// between.
struct Matrix {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t padded_out_channels = 0;
  std::int64_t padded_in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  const void* weights = nullptr;
  const void* bias = nullptr;  ///< of padded_out_channels, in the type of activations; or null
  bool operator==(const Matrix&) const = default;
};

class PackedMatrix : public PackedWeights {
 public:
  /// With weights and bias where they are at present.
  [[nodiscard]] Matrix matrix() const {
    Matrix there = layout;
    there.weights = weights.data();
    there.bias = bias.data();
    return there;
  }

  Matrix layout;
  mutable Buffer weights;  // keep_place exchanges the memory, what is in it stays the same
  mutable Buffer bias;
};

/// Gain or shift of a norm, in float32.
class PackedVector : public PackedWeights {
 public:
  [[nodiscard]] const float* data() const { return static_cast<const float*>(values.data()); }

  Buffer values;
};

}  // namespace streamdiffusion::cuda
