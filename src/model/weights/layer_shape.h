#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "model/files/tensor_files.h"

namespace streamdiffusion {

/// The shape of a layer's weight, seen as [out][in][pixels]. A norm has one input and one pixel.
struct LayerShape {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t pixels = 1;  ///< Pixels of a convolution's kernel.
};

/// The layers of a network by name, without ".weight".
using LayerShapes = std::map<std::string, LayerShape>;

/// Returns the layers in a network's files: linear layers, convolutions, norms and embeddings.
LayerShapes layer_shapes(const TensorFiles& files);

}  // namespace streamdiffusion
