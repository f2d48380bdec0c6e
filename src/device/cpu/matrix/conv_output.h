#pragma once

#include <cstdint>

#include "device/cpu/kernels.h"
#include "device/cpu/matrix/packing.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Sets the members of `task` for its results: columns, output, residual (may be empty) and activation.
void set_task_output(ConvTask& task, const PackedColumns& columns, const Tensor& residual,
                     Activation activation, const Tensor& out);

/// Sets the members of `task` for its geometry (sizes, kernel, stride, padding, upsampling) and the row bias.
void set_task_geometry(ConvTask& task, std::int64_t kernel, Resample resample, const Tensor& x,
                       const Conv2dOptions& options, const Tensor& out);

}  // namespace streamdiffusion::cpu
