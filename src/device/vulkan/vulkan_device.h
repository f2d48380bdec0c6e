#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device/device.h"

namespace streamdiffusion::vulkan {

/// A device of a Vulkan driver, for users to choose from.
struct GpuDescription {
  std::string name;
  std::string driver;
  std::size_t memory = 0;    ///< Bytes.
  bool is_discrete = false;  ///< A GPU with memory of its own.
  bool is_software = false;  ///< Computes on the CPU.
  std::string missing;       ///< Features that it lacks; empty if it can be used.
};

/// Lists the devices: discrete GPUs first, those in software last. Throws DeviceError if Vulkan cannot be
/// used.
std::vector<GpuDescription> describe_gpus();

/// Creates the device of index `index` in that list, with activations of `type`: float16 or float32. Sums are
/// always float32, as are small tensors that need precision. Throws DeviceError if it cannot be used.
std::unique_ptr<Device> make_vulkan_device(int index, DType type);

}  // namespace streamdiffusion::vulkan
