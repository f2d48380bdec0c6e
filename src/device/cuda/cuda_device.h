#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/cuda/module.h"
#include "device/device.h"

namespace streamdiffusion::cuda {

/// The GPUs that can be used. Throws Error where there is no driver.
std::vector<Gpu> list_gpus();

/// The GPU `index` with activations of `type`: float16, bfloat16 or float32 (float32 throughout, without
/// tensor cores). Sums are in float32 always.
std::unique_ptr<Device> make_cuda_device(int index, DType type);

}  // namespace streamdiffusion::cuda
