#pragma once

#include <memory>

#include "device/device.h"

namespace streamdiffusion {

/// The CPU in float32, on `threads` threads (0: one a processor), with the best instruction set that the
/// machine has.
std::unique_ptr<Device> make_cpu_device(int threads);

}  // namespace streamdiffusion
