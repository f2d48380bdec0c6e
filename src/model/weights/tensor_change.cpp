#include "model/weights/tensor_change.h"

#include <cstddef>
#include <vector>

#include "model/weights/adapter_tensor.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Kind = TensorChange::Kind;

std::int64_t values_needed(Kind kind, const LayerShape& shape) {
  switch (kind) {
    case Kind::scale_outputs:
      return shape.out;
    case Kind::scale_inputs:
      return shape.in;
    case Kind::add:
    case Kind::replace:
      break;
  }
  return shape.out * shape.in * shape.pixels;
}

}  // namespace

void check_change(const TensorChange& change, const LayerShape& shape, const std::string& where) {
  check_numbers(*change.values, where);
  const std::int64_t needed = values_needed(change.kind, shape);
  if (change.values->elements() != needed) {
    throw FileError(where + ": has shape " + show_shape(*change.values) + ", and this layer needs " +
                    std::to_string(needed) + " numbers");
  }
}

void apply_change(const TensorChange& change, float scale, const LayerShape& shape, std::span<float> tensor) {
  const std::vector<float> values = to_floats(*change.values);
  const auto in = static_cast<std::size_t>(shape.in);
  const auto pixels = static_cast<std::size_t>(shape.pixels);
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    switch (change.kind) {
      case Kind::add:
        tensor[i] += scale * change.factor * values[i];
        break;
      case Kind::replace:
        tensor[i] += scale * (values[i] - tensor[i]);
        break;
      case Kind::scale_outputs:
        tensor[i] *= 1 + scale * (values[i / (in * pixels)] - 1);
        break;
      case Kind::scale_inputs:
        tensor[i] *= 1 + scale * (values[i / pixels % in] - 1);
        break;
    }
  }
}

}  // namespace streamdiffusion
