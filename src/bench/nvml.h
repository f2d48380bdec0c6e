#pragma once

#include <functional>
#include <optional>
#include <string>

namespace streamdiffusion::bench {

/// NVIDIA's management library: what energy needs of it, by its signatures; 0 is success everywhere.
struct Nvml {
  std::function<int(const char* bus_id, void** gpu)> find;
  std::function<int(void* gpu, unsigned long long* millijoules)> total_energy;  ///< of GPUs that count it
  std::function<int(void* gpu, unsigned int* milliwatts)> power;
};

/// Comes with the driver. Throws Error with the reason where it cannot be used.
Nvml open_nvml();

/// What a GPU uses from now on: gives the joules so far, or none where NVML tells nothing. Where the GPU does
/// not count energy its power is read all the time.
using Joules = std::function<std::optional<double>()>;
Joules measure_gpu(const Nvml& nvml, const std::string& bus_id);

}  // namespace streamdiffusion::bench
