#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace streamdiffusion {

/// A GPU that models can be computed on.
struct ComputeDevice {
  std::string device;  ///< for ModelOptions::device: "cuda:0"
  std::string name;    ///< as its maker calls it
  std::size_t memory_bytes = 0;
  std::string compute_capability;  ///< "9.0"
  std::string bus_id;              ///< where it is plugged in (PCI): "0000:3b:00.0"
};

struct ComputeDevices {
  std::vector<ComputeDevice> gpus;
  std::string
      problem;  ///< why there are none: no GPU, no driver, a library that is missing, a build without CUDA
};

/// The GPUs that this build can use on this machine. Takes about as long as starting a CUDA program.
ComputeDevices list_compute_devices();

}  // namespace streamdiffusion
