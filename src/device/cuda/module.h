#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"

// The CUDA device is a shared library that is opened on demand, so that the program starts without NVIDIA's
// libraries. This header is the whole interface between the two, which must come from the same build.
namespace streamdiffusion::cuda {

struct Gpu {
  std::string name;
  std::size_t memory = 0;  ///< Bytes.
  int major = 0;           ///< Major number of the compute capability.
  int minor = 0;           ///< Minor number of the compute capability.
  std::string bus_id;      ///< PCI address, such as "0000:3b:00.0".
};

/// The functions of the library, list_gpus and make_cuda_device.
struct Module {
  std::vector<Gpu> (*list)();
  std::unique_ptr<Device> (*make)(int index, DType type);
};

inline constexpr const char* kModuleFile = "libstreamdiffusion-cuda.so";
/// The library's only exported function. It takes the program's version and returns null if its own differs.
inline constexpr const char* kModuleFunction = "streamdiffusion_cuda_module";
using ModuleFunction = const Module*(const char* version);

}  // namespace streamdiffusion::cuda
