#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// Channel counts are rounded up to this multiple for cuDNN, as its tensor-core kernels require.
inline constexpr std::int64_t kChannelMultiple = 8;

/// Describes how cuDNN can compute a convolution. cuDNN supports neither upsampled inputs nor asymmetric
/// padding, and is fast only for multiples of kChannelMultiple. Such inputs are first copied ("gathered")
/// into the shape that cuDNN reads.
struct ConvGeometry {
  bool gather = false;                ///< True if the input must be gathered into the shape `in` first.
  Shape in;                           ///< Shape of the input that cuDNN reads.
  std::int64_t upsampling = 1;        ///< Upsampling factor of the gather, in each direction.
  std::int64_t image_h = 0;           ///< Height of the upsampled image, cropped to the output's.
  std::int64_t image_w = 0;           ///< Its width.
  std::int64_t gathered_padding = 0;  ///< Lines and columns of zeros that the gather writes above and left.
  std::int64_t step = 1;              ///< Stride of the convolution.
  std::int64_t padding = 0;           ///< Padding that cuDNN applies on all four sides.
  Shape out;                          ///< Shape that cuDNN writes: the output with its channels rounded up.

  bool operator==(const ConvGeometry&) const = default;
};

/// Returns the geometry of a convolution from shape `x` to shape `out`. `padding` is the zeros above and
/// left; the padding below and right follows from `out`.
ConvGeometry conv_geometry(const Shape& x, std::int64_t kernel, Resample resample, std::int64_t padding,
                           const Shape& out);

}  // namespace streamdiffusion::cuda
