#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/cuda/module.h"
#include "device/device.h"

namespace streamdiffusion::cuda {

/// Lists the usable GPUs. Throws Error if there is no driver.
std::vector<Gpu> list_gpus();

/// Creates the device of GPU `index`, with activations of `type`: float16, bfloat16 or float32 (then without
/// tensor cores). Sums are always float32. Throws Error if there is no such GPU.
std::unique_ptr<Device> make_cuda_device(int index, DType type);

}  // namespace streamdiffusion::cuda
