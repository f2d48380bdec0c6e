#pragma once

#include <cstdint>

#include "device/device.h"

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
  const void* weights = nullptr;
  const void* bias = nullptr;  ///< [padded_out_channels] in the type of activations, or null.
  bool operator==(const Matrix&) const = default;
};

class PackedMatrix : public PackedWeights {
 public:
  /// Returns the layout with the current addresses of weights and bias.
  [[nodiscard]] Matrix matrix() const {
    Matrix there = layout;
    there.weights = weights.data();
    there.bias = bias.data();
    return there;
  }

  Matrix layout;
  mutable Buffer weights;  // mutable: Device::move_to_address_of exchanges the memory, never the contents
  mutable Buffer bias;
};

/// Gain or shift of a norm, in float32 on the GPU.
class PackedVector : public PackedWeights {
 public:
  [[nodiscard]] const float* data() const { return static_cast<const float*>(values.data()); }

  Buffer values;
};

}  // namespace streamdiffusion::cuda
