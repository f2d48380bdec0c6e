#include "model/weights/layer_shape.h"

#include <string_view>
#include <vector>

namespace streamdiffusion {

LayerShapes layer_shapes(const TensorFiles& files) {
  constexpr std::string_view kEnding = ".weight";
  LayerShapes layers;
  for (const auto& [name, tensor] : files.tensors()) {
    const std::vector<std::int64_t>& shape = tensor.shape;
    if (name.ends_with(kEnding) && !shape.empty() && tensor.elements() > 0) {
      layers[name.substr(0, name.size() - kEnding.size())] = {
          .out = shape[0],
          .in = shape.size() > 1 ? shape[1] : 1,
          .pixels = shape.size() > 3 ? shape[2] * shape[3] : 1};
    }
  }
  return layers;
}

}  // namespace streamdiffusion
