#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// A GPU that can run models.
struct ComputeDevice {
  std::string device;                ///< Value for ModelOptions::device, such as "cuda:0" or "vulkan:0".
  std::string name;                  ///< Product name, as the driver reports it.
  std::size_t memory_bytes = 0;      ///< Total memory of the GPU.
  std::string compute_capability{};  ///< CUDA compute capability, such as "9.0"; empty for Vulkan.
  std::string bus_id{};              ///< PCI address, such as "0000:3b:00.0"; empty for Vulkan.
  std::string driver;                ///< "CUDA", or name and version of the Vulkan driver.
  bool is_discrete = false;          ///< True if the GPU has memory of its own.
  bool is_software = false;          ///< True if the "GPU" is a program on the CPU, such as Mesa's llvmpipe.
};

/// The GPUs of this machine.
struct ComputeDevices {
  /// The GPUs of CUDA, then those of Vulkan, each in the order of their numbers. A GPU may be in both.
  std::vector<ComputeDevice> gpus;
  /// Reason why CUDA has none: no GPU, no driver, a missing library or a build without CUDA.
  std::string cuda_problem;
  /// Reason why Vulkan has none, or what the devices lack that cannot be used.
  std::string vulkan_problem;
};

/// Lists the GPUs that this build can use on this machine. It initialises CUDA and Vulkan, which takes a
/// noticeable time. Thread-safe.
STREAMDIFFUSION_API ComputeDevices list_compute_devices();

}  // namespace streamdiffusion
