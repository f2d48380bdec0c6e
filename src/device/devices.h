#pragma once

#include <memory>
#include <string>

#include "device/device.h"

namespace streamdiffusion {

class CountingDevice;

/// A user's choice of device and precision.
struct DeviceChoice {
  std::string device = "auto";     ///< As ModelOptions::device.
  std::string precision = "auto";  ///< As ModelOptions::precision.
  int threads = 0;                 ///< Compute threads of the CPU; 0: one for each processor.
};

struct ChosenDevice {
  std::unique_ptr<Device> device;
  Precision precision = Precision::f32;      ///< The precision that layers are packed with.
  const CountingDevice* counting = nullptr;  ///< `device` if it counts operations, else null.
  std::string why_no_gpu;  ///< Reason why "auto" did not choose a GPU that seems to be there; else empty.
};

/// Creates the chosen device. "auto" is the first usable NVIDIA GPU if this build has the CUDA device, else
/// the CPU. Throws Error for an unknown or unavailable device or precision.
ChosenDevice choose_device(const DeviceChoice& choice);

}  // namespace streamdiffusion
