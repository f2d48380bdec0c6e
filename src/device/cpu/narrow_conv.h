#pragma once

#include <cstdint>

#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A 3x3 convolution to a picture or to latents: so few output channels that they would leave most of a
/// vector empty. It is computed as dot products over the input channels instead.
class NarrowConv2d {
 public:
  NarrowConv2d(Device& device, const HostConv2d& host);

  static bool suits(const HostConv2d& host);
  static constexpr std::int64_t kMostOutputs = 4;

  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< to whole vectors, with zero weights
  Buffer weights;                   ///< [out][tap][padded in]
  float bias[kMostOutputs] = {};
};

struct NarrowConvTask {
  const NarrowConv2d* weights = nullptr;
  Tensor x;
  Tensor out;
  Conv2dOptions options;
};

/// Computes one output line, counted over all rows of the batch.
void narrow_conv_line(const NarrowConvTask& task, std::int64_t line);

}  // namespace streamdiffusion::cpu
