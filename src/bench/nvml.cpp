#include "bench/nvml.h"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "posix/shared_library.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::bench {

namespace {

constexpr const char* kLibrary = "libnvidia-ml.so.1";
constexpr std::chrono::milliseconds kSampleInterval{20};

template <typename Function>
Function* function(const char* name) {
  return reinterpret_cast<Function*>(posix::open_library_function(kLibrary, name));
}

/// Integrates a GPU's power over time, on a thread of its own.
class PowerSum {
 public:
  PowerSum(Nvml nvml, void* gpu)
      : nvml_(std::move(nvml)), gpu_(gpu), thread_([this](const std::stop_token& stop) { run(stop); }) {}

  double joules() {
    const std::lock_guard lock(mutex_);
    add();
    return joules_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      add();
      stopped_.wait_for(lock, stop, kSampleInterval, [] { return false; });
    }
  }

  /// Adds the energy since the last call, at the current power.
  void add() {
    const Clock::time_point now = Clock::now();
    unsigned int milliwatts = 0;
    if (nvml_.power(gpu_, &milliwatts) == 0) {
      joules_ += std::chrono::duration<double>(now - last_).count() * static_cast<double>(milliwatts) * 1e-3;
    }
    last_ = now;
  }

  Nvml nvml_;
  void* gpu_;
  std::mutex mutex_;  // protects last_ and joules_
  std::condition_variable_any stopped_;
  Clock::time_point last_ = Clock::now();
  double joules_ = 0;
  std::jthread thread_;
};

}  // namespace

Nvml open_nvml() {
  const Nvml nvml{function<int(const char*, void**)>("nvmlDeviceGetHandleByPciBusId_v2"),
                  function<int(void*, unsigned long long*)>("nvmlDeviceGetTotalEnergyConsumption"),
                  function<int(void*, unsigned int*)>("nvmlDeviceGetPowerUsage")};
  if (const int status = function<int()>("nvmlInit_v2")(); status != 0) {
    throw Error(std::string(kLibrary) + " does not start (NVML error " + std::to_string(status) + ")");
  }
  return nvml;
}

Joules measure_gpu(const Nvml& nvml, const std::string& bus_id) {
  const Joules none = [] { return std::nullopt; };
  void* gpu = nullptr;
  if (nvml.find(bus_id.c_str(), &gpu) != 0) {
    return none;
  }
  unsigned long long start = 0;
  if (nvml.total_energy(gpu, &start) == 0) {
    return [nvml, gpu, start]() -> std::optional<double> {
      unsigned long long now = 0;
      return nvml.total_energy(gpu, &now) == 0 ? std::optional(static_cast<double>(now - start) * 1e-3)
                                               : std::nullopt;
    };
  }
  unsigned int milliwatts = 0;
  if (nvml.power(gpu, &milliwatts) != 0) {
    return none;
  }
  return [sum = std::make_shared<PowerSum>(nvml, gpu)] { return std::optional(sum->joules()); };
}

}  // namespace streamdiffusion::bench
