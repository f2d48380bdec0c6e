#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// A layer as the GPU keeps it: [out][tap][in] with both numbers of channels rounded up, zeros in between.
class PackedMatrix : public PackedWeights {
 public:
  std::uint64_t id = 0;  ///< no two are the same while the program runs, whatever memory they lie in
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t padded_out_channels = 0;
  std::int64_t padded_in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  bool has_bias = false;
  Buffer weights;
  Buffer bias;  ///< of padded_out_channels, in the type of activations
};

/// Gain or shift of a norm, in float32.
class PackedVector : public PackedWeights {
 public:
  std::uint64_t id = 0;
  Buffer values;
};

}  // namespace streamdiffusion::cuda
