#pragma once

#include <cstdint>

#include "device/cpu/kernels.h"
#include "device/cpu/packing.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Sets what a task is to do with its results.
void set_output(ConvTask& task, const PackedColumns& columns, const Tensor& residual, Activation activation,
                const Tensor& out);

/// Sets what a convolution sees of its input, and its row bias.
void set_geometry(ConvTask& task, std::int64_t kernel, Resample resample, const Tensor& x,
                  const Conv2dOptions& options, const Tensor& out);

}  // namespace streamdiffusion::cpu
