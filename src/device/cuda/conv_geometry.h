#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// Channels are rounded up to this where cuDNN computes: what tensor cores take.
inline constexpr std::int64_t kChannelMultiple = 8;

/// How a convolution is put to cuDNN, which knows neither enlarged inputs nor padding on one side, and is
/// quick with rounded numbers of channels alone.
struct ConvGeometry {
  bool gather = false;                ///< the input is first written anew, in the shape `in`
  Shape in;                           ///< what cuDNN reads
  std::int64_t enlarged = 1;          ///< of the gathering: every pixel is read so often in each direction
  std::int64_t gathered_padding = 0;  ///< likewise: zeros that are written out above and left
  std::int64_t step = 1;              ///< of the convolution
  std::int64_t padding = 0;           ///< on all four sides
  Shape out;                          ///< what cuDNN writes: the output with its channels rounded up

  bool operator==(const ConvGeometry&) const = default;
};

/// For a convolution with `kernel` and `resample` of `x`, with `padding` zeros above and left and as many
/// below and right as `out` asks for.
ConvGeometry conv_geometry(const Shape& x, std::int64_t kernel, Resample resample, std::int64_t padding,
                           const Shape& out);

}  // namespace streamdiffusion::cuda
