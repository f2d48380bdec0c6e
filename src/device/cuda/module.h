#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"

// The CUDA device is a shared library of its own, opened when it is wanted, so that the program needs nothing
// of NVIDIA's to start. This is all that the two know of one another; they come from one build.
namespace streamdiffusion::cuda {

struct Gpu {
  std::string name;
  std::size_t memory = 0;  ///< bytes
  int major = 0;           ///< compute capability
  int minor = 0;
  std::string bus_id;  ///< of PCI, "0000:3b:00.0"
};

struct Module {
  /// See list_gpus and make_cuda_device.
  std::vector<Gpu> (*list)();
  std::unique_ptr<Device> (*make)(int index, DType type);
};

/// The module's file, and the one function it exports: takes the program's version, gives null for another.
inline constexpr const char* kModuleFile = "libstreamdiffusion-cuda.so";
inline constexpr const char* kModuleFunction = "streamdiffusion_cuda_module";
using ModuleFunction = const Module*(const char* version);

}  // namespace streamdiffusion::cuda
