#pragma once

#include <cstdint>

#include "device/arena.h"
#include "device/device.h"

namespace streamdiffusion {

/// The device and the memory that a network's forward pass uses.
struct Context {
  Device& device;
  Arena& arena;
};

/// Returns the shape with another number of channels.
[[nodiscard]] inline Shape with_channels(Shape shape, std::int64_t channels) {
  shape.c = channels;
  return shape;
}

}  // namespace streamdiffusion
