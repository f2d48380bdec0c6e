#pragma once

#include <cstdint>
#include <span>

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

/// Numbers of the host as activations; `out` is dense and has as many elements.
void upload_floats(Context& context, std::span<const float> host, const Tensor& out);

/// Activations as numbers of the host; `in` is dense and has as many elements.
void download_floats(Context& context, const Tensor& in, std::span<float> host);

}  // namespace streamdiffusion
