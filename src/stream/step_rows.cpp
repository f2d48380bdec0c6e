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
  device.upload(std::vector<float>(static_cast<std::size_t>(out.shape.elements())), out);
}

}  // namespace streamdiffusion
