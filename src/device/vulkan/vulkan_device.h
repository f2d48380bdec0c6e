#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/vulkan/gpu_description.h"

namespace streamdiffusion::vulkan {

/// Lists the devices: discrete GPUs first, those in software last. Throws DeviceError if Vulkan cannot be
/// used.
std::vector<GpuDescription> describe_gpus();

/// Creates the device of index `index` in that list, with activations of `type`: float16 or float32. Sums are
/// always float32, as are small tensors that need precision. Throws DeviceError if it cannot be used.
std::unique_ptr<Device> make_vulkan_device(int index, DType type);

}  // namespace streamdiffusion::vulkan
