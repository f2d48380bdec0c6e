#pragma once

#include <cstdint>

#include "device/cpu/kernels.h"
#include "device/cpu/matrix/packing.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Sets the members of `task` for its results: columns, output, residual (may be empty) and activation.
inline void set_task_output(ConvTask& task, const PackedColumns& columns, const Tensor& residual,
                            Activation activation, const Tensor& out) {
  task.columns = columns.count;
  task.geglu = columns.geglu;
  task.out = elements_of(out);
  task.out_channels = columns.out_channels;
  task.out_stride = out.stride;
  task.out_pixels = out.shape.pixels();
  task.activation = activation;
  if (!residual.empty()) {
    task.residual = elements_of(residual);
    task.residual_stride = residual.stride;
  }
}

/// Sets the members of `task` for its geometry (sizes, kernel, stride, padding, upsampling) and the row bias.
inline void set_task_geometry(ConvTask& task, std::int64_t kernel, Resample resample, const Tensor& x,
                              const Conv2dOptions& options, const Tensor& out) {
  task.in_h = x.shape.h;
  task.in_w = x.shape.w;
  task.upsample = resample == Resample::up;
  task.out_h = out.shape.h;
  task.out_w = task.out_pitch = out.shape.w;
  task.kernel = kernel;
  task.stride = resample == Resample::down ? 2 : 1;
  task.padding = options.padding;
  if (!options.row_bias.empty()) {
    task.row_bias = elements_of(options.row_bias);
    task.row_bias_stride = options.row_bias.stride;
  }
}

}  // namespace streamdiffusion::cpu
