#pragma once

#include <cstddef>

#include "device/device.h"

namespace streamdiffusion {

/// A dense tensor that owns its device memory, for values that outlive a call of a network. It has the
/// device's precise type unless another is given. Empty if default-constructed; move-only.
class DeviceTensor {
 public:
  DeviceTensor() = default;

  /// Allocates an uninitialised tensor. Throws Error if the device does not have enough memory.
  DeviceTensor(Device& device, const Shape& shape) : DeviceTensor(device, shape, device.precise_dtype()) {}
  DeviceTensor(Device& device, const Shape& shape, DType type)
      : memory_(device.allocate(static_cast<std::size_t>(shape.elements()) * size_of(type))),
        view_{memory_.data(), shape, shape.c, type} {}

  [[nodiscard]] const Tensor& view() const { return view_; }

 private:
  Buffer memory_;
  Tensor view_;
};

}  // namespace streamdiffusion
