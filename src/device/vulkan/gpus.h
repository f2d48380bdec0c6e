#pragma once

#include <volk.h>

#include <vector>

#include "device/vulkan/gpu_description.h"

namespace streamdiffusion::vulkan {

/// A connection to Vulkan's loader, which is opened when the first one is made. Move-only.
class Instance {
 public:
  /// Throws DeviceError if there is no loader, or no driver.
  Instance();
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  [[nodiscard]] VkInstance get() const { return instance_; }

 private:
  VkInstance instance_ = nullptr;
};

/// A device of a Vulkan driver.
struct Gpu {
  VkPhysicalDevice handle = nullptr;
  GpuDescription description;
};

/// Lists the devices: discrete GPUs first, then integrated and virtual ones, those in software last.
std::vector<Gpu> list_gpus(const Instance& instance);

}  // namespace streamdiffusion::vulkan
