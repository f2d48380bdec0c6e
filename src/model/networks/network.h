#pragma once

#include <cstdint>

#include "device/arena.h"
#include "device/device.h"

namespace streamdiffusion {

/// What a network's forward runs on.
struct Context {
  Device& device;
  Arena& arena;
};

/// The same pixels with another number of channels.
[[nodiscard]] inline Shape with_channels(Shape shape, std::int64_t channels) {
  shape.c = channels;
  return shape;
}

}  // namespace streamdiffusion
