#pragma once

#include <memory>
#include <string>

#include "device/device.h"

namespace streamdiffusion::reference {

/// What these tests compute on: the CPU, or what STREAMDIFFUSION_TEST_DEVICE names: "cpu-bf16", "cuda-f32",
/// "cuda-f16", "cuda-bf16".
struct TestDevice {
  std::unique_ptr<Device> device;
  DType computed = DType::f32;
  bool is_cpu = true;  ///< in float32
};
TestDevice make_test_device(int threads);

}  // namespace streamdiffusion::reference
