#pragma once

#include <cstdint>

#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A 3x3 convolution to a picture or to latents: so few output channels that they would leave most of a
/// vector empty. It is computed as dot products over the input channels instead.
///
/// Or a 5x5 one of a picture that is enlarged: the four outputs where one pixel was have filters of 3x3 of
/// their own of the picture as it was, as each row of it counts twice.
class NarrowConv2d {
 public:
  NarrowConv2d(Device& device, const HostConv2d& host);

  static bool suits(const HostConv2d& host);
  /// Whether these give a picture of that size: phases need one of twice the size, to the pixel.
  [[nodiscard]] bool serves(const Shape& in, std::int64_t padding, const Shape& out) const {
    return scale == 1 || (padding == 2 && out.h == 2 * in.h && out.w == 2 * in.w);
  }
  static constexpr std::int64_t kMostOutputs = 4;

  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< to whole vectors, with zero weights
  std::int64_t scale;               ///< 2: of an enlarged picture as it was; else 1
  Buffer weights;                   ///< [phase: y, x][out][tap][padded in]
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
