#pragma once

#include <volk.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

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
  std::string name;
  std::string driver;      ///< Name and version of the driver.
  std::size_t memory = 0;  ///< Bytes of the device's own memory; of the computer's where they are the same.
  bool is_discrete = false;
  bool is_software = false;  ///< True if it computes on the CPU, as Mesa's llvmpipe does.
  std::string missing;  ///< Features that the networks need and the device lacks; empty if it can be used.
};

/// Lists the devices: discrete GPUs first, then integrated and virtual ones, those in software last.
std::vector<Gpu> list_gpus(const Instance& instance);

}  // namespace streamdiffusion::vulkan
