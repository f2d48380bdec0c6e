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
  /// What it reads and writes at least, for those whose time that is; 0 for those that are arithmetic.
  double bytes = 0;
};

/// Every operation, at the shapes of SD-Turbo with TAESD at 512x512 and of the default model at 128x128: one
/// row, and some with the rows of a stream batch.
std::vector<Operation> operations();

}  // namespace streamdiffusion
