#pragma once

#include <functional>
#include <string>
#include <vector>

#include "device/device.h"

namespace streamdiffusion {

/// An operation of the device at a shape that occurs in the networks.
struct Operation {
  std::string name;
  /// Packs weights and allocates tensors on a device. Returns a function that runs the operation there.
  std::function<std::function<void()>(Device&)> prepare;
  /// Bytes that a memory-bound operation must read and write; 0 for an operation bound by arithmetic.
  double bytes = 0;
};

/// All operations at the shapes of SD-Turbo with TAESD at 512x512 and of the default model at 128x128. Most
/// have one row, some the rows of a stream batch.
std::vector<Operation> operations();

}  // namespace streamdiffusion
