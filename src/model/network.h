#pragma once

#include "device/arena.h"
#include "device/device.h"

namespace streamdiffusion {

/// What a network's forward runs on.
struct Context {
  Device& device;
  Arena& arena;
};

}  // namespace streamdiffusion
