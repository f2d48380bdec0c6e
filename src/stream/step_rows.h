#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion {

inline Shape with_rows(Shape shape, std::int64_t rows) {
  shape.n = rows;
  return shape;
}

/// Copies each row of `rows` `times` times to successive rows of `out`.
void repeat_each_row(Device& device, const Tensor& rows, std::int64_t times, const Tensor& out);

/// Sets all elements of a dense tensor to zero.
void fill_with_zeros(Device& device, const Tensor& out);

}  // namespace streamdiffusion
