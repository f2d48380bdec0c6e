#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "device/cpu/reduced.h"
#include "device/cpu/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A convolution in reduced precision. One of 3 x 3 that enlarges its input is four of 2 x 2 on the input as
/// it is, one for each pixel of a square of the output: enlarged pixels are the same by twos, so that their
/// weights can be added before, and 16 numbers are multiplied in place of 36.
class ReducedConv2d {
 public:
  ReducedConv2d(Device& device, Workers& workers, const HostConv2d& host);

  [[nodiscard]] bool enlarges() const { return parts_.size() > 1; }
  /// The whole of one that does not enlarge.
  [[nodiscard]] const ReducedMatrix& whole() const { return *parts_.front(); }
  /// What gives pixels 2 i + y, 2 j + x.
  [[nodiscard]] const ReducedMatrix& part(std::int64_t y, std::int64_t x) const {
    return *parts_[static_cast<std::size_t>(2 * y + x)];
  }

 private:
  std::vector<std::unique_ptr<const ReducedMatrix>> parts_;
};

/// Where one that enlarges gives a line or a column less than twice as many, pixels of the last one are
/// rounded twice.
void convolve(Workers& workers, const ReducedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
