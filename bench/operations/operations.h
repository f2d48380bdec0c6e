#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/device.h"

namespace streamdiffusion {

/// One of the device's operations at one of the shapes that the networks give it.
struct Operation {
  std::string name;
  /// Packs weights and allocates tensors on a device, and gives what runs the operation there.
  std::function<std::function<void()>(Device&)> prepare;
};

/// Those of SD-Turbo with TAESD at 512x512 and of the default model at 128x128, one row.
std::vector<Operation> operations();

}  // namespace streamdiffusion
