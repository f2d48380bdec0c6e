#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// A GPU that can run models.
struct ComputeDevice {
  std::string device;              ///< Value for ModelOptions::device, such as "cuda:0".
  std::string name;                ///< Product name, as the driver reports it.
  std::size_t memory_bytes = 0;    ///< Total memory of the GPU.
  std::string compute_capability;  ///< CUDA compute capability, such as "9.0".
  std::string bus_id;              ///< PCI address, such as "0000:3b:00.0".
};

/// The GPUs of this machine.
struct ComputeDevices {
  std::vector<ComputeDevice> gpus;  ///< In the order of their numbers in "cuda:N".
  /// Reason why `gpus` is empty: no GPU, no driver, a missing library or a build without CUDA.
  std::string problem;
};

/// Lists the GPUs that this build can use on this machine. It initialises CUDA, which takes a noticeable
/// time. Returns the reason in `problem` if there is none. Thread-safe.
STREAMDIFFUSION_API ComputeDevices list_compute_devices();

}  // namespace streamdiffusion
