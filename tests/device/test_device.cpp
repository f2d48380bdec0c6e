// If STREAMDIFFUSION_TEST_DEVICE is set, the tests of operations run on that device. They are skipped, with
// the reason, if it is not available.

#include "device/test_device.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "device/cpu/cpu_device.h"
#include "device/devices.h"
#include "device/mirrored_device.h"
#include "streamdiffusion/devices.h"

namespace streamdiffusion::reference {

namespace {

std::string wanted_device() {
  const char* const name = std::getenv("STREAMDIFFUSION_TEST_DEVICE");
  return name != nullptr ? name : "";
}

std::unique_ptr<Device> make_device(const std::string& name, int threads) {
  if (name == "cpu-bf16") {
    return make_cpu_device(threads, cpu::Features::detect(), DType::bf16);
  }
  const std::size_t dash = name.find('-');
  return choose_device({.device = name.substr(0, dash), .precision = name.substr(dash + 1)}).device;
}

class AvailableDevice : public testing::Environment {
 public:
  void SetUp() override {
    const std::string wanted = wanted_device();
    const std::string api = wanted.substr(0, wanted.find('-'));
    if (api != "cuda" && api != "vulkan") {
      return;
    }
    const ComputeDevices found = list_compute_devices();
    if (std::ranges::none_of(found.gpus,
                             [&](const ComputeDevice& gpu) { return gpu.device.starts_with(api); })) {
      GTEST_SKIP() << (api == "cuda" ? found.cuda_problem : found.vulkan_problem);
    }
  }
};

const testing::Environment* const kAvailableDevice = testing::AddGlobalTestEnvironment(new AvailableDevice);

}  // namespace

TestDevice make_test_device(int threads) {
  const std::string wanted = wanted_device();
  if (wanted.empty()) {
    return {.device = make_cpu_device(threads)};
  }
  auto mirrored = std::make_unique<MirroredDevice>(make_device(wanted, threads));
  const DType computed = mirrored->computed();
  return {.device = std::move(mirrored), .computed = computed, .is_cpu = false};
}

}  // namespace streamdiffusion::reference
