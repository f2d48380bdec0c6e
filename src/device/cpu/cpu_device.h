#pragma once

#include <memory>

#include "device/cpu/features.h"
#include "device/device.h"

namespace streamdiffusion {

/// The CPU in float32, on `threads` threads (0: one a processor), with the best instruction set that the
/// machine has, and of `features` what goes with it.
std::unique_ptr<Device> make_cpu_device(int threads, const cpu::Features& features = cpu::Features::detect());

}  // namespace streamdiffusion
