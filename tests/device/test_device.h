#pragma once

#include <memory>
#include <string>

#include "device/device.h"

namespace streamdiffusion::reference {

/// The device that tests run on: the CPU in float32, or the one that STREAMDIFFUSION_TEST_DEVICE names, which
/// is "cpu-bf16", "cuda-f32", "cuda-f16", "cuda-bf16", "vulkan-f32" or "vulkan-f16".
struct TestDevice {
  std::unique_ptr<Device> device;
  DType computed = DType::f32;  ///< Type of the activations that it computes with.
  bool is_cpu = true;           ///< True for the CPU in float32.
};
/// Makes the device; `threads` is used by the CPU only.
TestDevice make_test_device(int threads);

}  // namespace streamdiffusion::reference
