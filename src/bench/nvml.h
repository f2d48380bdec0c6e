#pragma once

#include <functional>
#include <optional>
#include <string>

namespace streamdiffusion::bench {

/// The functions of NVIDIA's management library (NVML) that measure energy. All return 0 on success.
struct Nvml {
  /// Finds the GPU with a PCI address.
  std::function<int(const char* bus_id, void** gpu)> find;
  /// Reads the energy used since the driver was loaded. Fails on GPUs without an energy counter.
  std::function<int(void* gpu, unsigned long long* millijoules)> total_energy;
  /// Reads the present power.
  std::function<int(void* gpu, unsigned int* milliwatts)> power;
};

/// Opens NVML, which is part of NVIDIA's driver. Throws Error with the reason if it cannot be used.
Nvml open_nvml();

/// A function that returns the joules used since the measurement began, or nullopt if they are unknown.
using Joules = std::function<std::optional<double>()>;
/// Begins to measure a GPU's energy. If the GPU has no energy counter, a thread integrates its power.
Joules measure_gpu(const Nvml& nvml, const std::string& bus_id);

}  // namespace streamdiffusion::bench
