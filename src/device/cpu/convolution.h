#pragma once

#include <cstdint>
#include <memory>

#include "device/cpu/narrow_conv.h"
#include "device/cpu/packing.h"
#include "device/cpu/reduced.h"
#include "device/cpu/reduced_conv.h"
#include "device/cpu/scratch.h"
#include "device/cpu/winograd.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A convolution packed the way it will be computed: one of the four, or `winograd` or `narrow` and, for
/// pictures that these do not serve, `direct` or `reduced`.
class PackedConv2d : public PackedWeights {
 public:
  PackedConv2d(Device& device, Workers& workers, const HostConv2d& host);

  std::unique_ptr<const PackedMatrix> direct;
  std::unique_ptr<const WinogradWeights> winograd;
  std::int64_t fewest_winograd_pixels = 0;
  std::unique_ptr<const NarrowConv2d> narrow;
  std::unique_ptr<const ReducedConv2d> reduced;

  /// Does not depend on the number of rows, so that results do not.
  [[nodiscard]] bool by_winograd(const Shape& in, std::int64_t padding, const Shape& out) const {
    return winograd && out.h * out.w >= fewest_winograd_pixels && winograd->serves(in, padding, out);
  }
};

/// A linear layer, likewise.
class PackedLinear : public PackedWeights {
 public:
  PackedLinear(Device& device, Workers& workers, const HostLinear& host);

  std::unique_ptr<const PackedMatrix> direct;
  std::unique_ptr<const ReducedMatrix> reduced;
};

void convolve(Workers& workers, const PackedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out);
void multiply(Workers& workers, const PackedLinear& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
