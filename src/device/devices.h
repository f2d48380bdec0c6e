#pragma once

#include <memory>
#include <string>

#include "device/device.h"

namespace streamdiffusion {

/// What computes, as a user names it.
struct DeviceChoice {
  std::string device = "auto";     ///< see ModelOptions::device
  std::string precision = "auto";  ///< see ModelOptions::precision
  int threads = 0;                 ///< of the CPU; 0: one for each processor
};

struct ChosenDevice {
  std::unique_ptr<Device> device;
  Precision precision = Precision::f32;  ///< what layers are to be packed with
  std::string why_not_cuda;  ///< of "auto", where the machine has an NVIDIA card that cannot be used
};

/// Makes the device. "auto" is the first NVIDIA GPU where there is one and this build has the CUDA device,
/// else the CPU. Throws Error for what is not known or not there.
ChosenDevice choose_device(const DeviceChoice& choice);

}  // namespace streamdiffusion
