#include "stream/step_rows.h"

#include <cstddef>
#include <vector>

namespace streamdiffusion {

void repeat_each_row(Device& device, const Tensor& rows, std::int64_t times, const Tensor& out) {
  for (std::int64_t row = 0; row < out.shape.n; ++row) {
    device.copy(rows.rows(row / times, 1), out.rows(row, 1));
  }
}

void fill_with_zeros(Device& device, const Tensor& out) {
  const std::vector<std::byte> zeros(static_cast<std::size_t>(out.shape.elements()) * size_of(out.dtype));
  device.upload(zeros.data(), out.data, zeros.size());
}

}  // namespace streamdiffusion
