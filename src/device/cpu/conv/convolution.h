#pragma once

#include <memory>

#include "device/cpu/conv/conv_plan.h"
#include "device/cpu/conv/narrow_conv.h"
#include "device/cpu/matrix/packing.h"
#include "device/cpu/reduced/reduced.h"
#include "device/cpu/reduced/reduced_conv.h"
#include "device/cpu/threads/scratch.h"
#include "device/cpu/winograd/winograd.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A convolution's weights, packed for the algorithms of its plan.
class PackedConv2d : public PackedWeights {
 public:
  PackedConv2d(Device& device, Workers& workers, const HostConv2d& host);

  ConvPlan plan;
  std::unique_ptr<const PackedMatrix> direct;
  std::unique_ptr<const WinogradWeights> winograd;
  std::unique_ptr<const NarrowConv2d> narrow;
  std::unique_ptr<const ReducedConv2d> reduced;
};

/// A linear layer's weights, packed for the algorithm that will compute it: exactly one is set.
class PackedLinear : public PackedWeights {
 public:
  PackedLinear(Device& device, Workers& workers, const HostLinear& host);

  std::unique_ptr<const PackedMatrix> direct;
  std::unique_ptr<const ReducedMatrix> reduced;
};

/// Implements Device::conv2d on all threads.
void convolve(Workers& workers, const PackedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out);
/// Implements Device::linear on all threads.
void multiply(Workers& workers, const PackedLinear& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
