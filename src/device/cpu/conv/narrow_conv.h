#pragma once

#include <cstdint>

#include "device/cpu/threads/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Weights of a 3x3 convolution with at most kMostOutputs output channels, such as one to an image or to
/// latents. Vectors of output channels would be mostly padding. Instead each output is a dot product over the
/// input channels.
///
/// The layer may also be a 5x5 convolution of an input that is upsampled by 2. As upsampled pixels repeat,
/// each output depends on 3x3 input pixels only. The four outputs (phases) of an input pixel have one 3x3
/// filter each, which applies to the input before upsampling. The output must then be exactly twice the
/// input.
class NarrowConv2d {
 public:
  NarrowConv2d(Device& device, const HostConv2d& host);

  /// The channels of an image are 3, those of latents 4.
  static constexpr std::int64_t kMostOutputs = 4;

  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< Input channels padded to whole vectors with zero weights.
  std::int64_t scale;               ///< Factor of upsampling, 1 or 2. There are scale * scale phases.
  Buffer weights;                   ///< [phase y][phase x][out channel][tap][padded in channel]
  float bias[kMostOutputs] = {};
};

struct NarrowConvTask {
  const NarrowConv2d* weights = nullptr;
  Tensor x;
  Tensor out;
  Conv2dOptions options;
};

/// Computes one output line on the calling thread. Lines are counted over all batch rows.
void narrow_conv_line(const NarrowConvTask& task, std::int64_t line);

}  // namespace streamdiffusion::cpu
