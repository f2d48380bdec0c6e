#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/cpu/reduced/reduced.h"
#include "device/cpu/threads/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A convolution in reduced precision.
///
/// A 3x3 convolution of an upsampled input becomes four 2x2 convolutions (parts) of the input itself. Each
/// part computes one pixel of every 2x2 square of the output. Neighbouring upsampled pixels are equal, so
/// their weights are added beforehand: 16 multiplications replace 36.
class ReducedConv2d {
 public:
  ReducedConv2d(Device& device, Workers& workers, const HostConv2d& host, Format format);

  /// True if the convolution upsamples its input by 2.
  [[nodiscard]] bool upsamples() const { return parts_.size() > 1; }
  /// The first part, which is the only one unless the convolution upsamples.
  [[nodiscard]] const ReducedMatrix& first_part() const { return *parts_.front(); }
  /// The part that computes output pixels (2 i + y, 2 j + x); y and x are 0 or 1.
  [[nodiscard]] const ReducedMatrix& part(std::int64_t y, std::int64_t x) const {
    return *parts_[static_cast<std::size_t>(2 * y + x)];
  }

 private:
  std::vector<std::unique_ptr<const ReducedMatrix>> parts_;
};

/// Computes the convolution on all threads. An upsampled output may be a line or a column short of twice the
/// input; its last line or column is then rounded to the output's type more than once.
void convolve(Workers& workers, const ReducedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
