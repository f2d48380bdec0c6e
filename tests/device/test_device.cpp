// With STREAMDIFFUSION_TEST_DEVICE set, the tests of operations run on that device, and where it cannot be
// had they are skipped with the reason.

#include "device/test_device.h"

#include <gtest/gtest.h>

#include <cstdlib>
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

class AvailableDevice : public testing::Environment {
 public:
  void SetUp() override {
    if (!wanted_device().empty()) {
      const ComputeDevices found = list_compute_devices();
      if (found.gpus.empty()) {
        GTEST_SKIP() << found.problem;
      }
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
  const std::size_t dash = wanted.find('-');
  DeviceChoice choice{.device = wanted.substr(0, dash), .precision = wanted.substr(dash + 1)};
  auto mirrored = std::make_unique<MirroredDevice>(choose_device(choice).device);
  const DType computed = mirrored->computed();
  return {.device = std::move(mirrored), .computed = computed, .is_cpu = false};
}

}  // namespace streamdiffusion::reference
