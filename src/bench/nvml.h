#pragma once

#include <functional>
#include <optional>
#include <string>

namespace streamdiffusion::bench {

/// The functions of NVIDIA's management library (NVML) that measure energy. All return 0 on success.
struct Nvml {
  std::function<int(const char* bus_id, void** gpu)> find;
  /// Fails on GPUs without an energy counter.
  std::function<int(void* gpu, unsigned long long* millijoules)> total_energy;
  std::function<int(void* gpu, unsigned int* milliwatts)> power;
};

/// Opens NVML, which is part of NVIDIA's driver. Throws Error with the reason if it cannot be used.
Nvml open_nvml();

/// Returns the joules used since the measurement began, or nullopt if unknown.
using Joules = std::function<std::optional<double>()>;
/// Begins to measure a GPU's energy. If the GPU has no energy counter, a thread integrates its power.
Joules measure_gpu(const Nvml& nvml, const std::string& bus_id);

}  // namespace streamdiffusion::bench
