#pragma once

#include <cstdint>

#include "device/device.h"

namespace streamdiffusion {

inline Shape with_rows(Shape shape, std::int64_t rows) {
  shape.n = rows;
  return shape;
}

/// Each row of `rows` `times` times, one after the other.
void repeat_each_row(Device& device, const Tensor& rows, std::int64_t times, const Tensor& out);

/// `out` is dense.
void fill_with_zeros(Device& device, const Tensor& out);

}  // namespace streamdiffusion
