#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

namespace streamdiffusion {

/// A change by peft's OFT: orthogonal matrices rotate the inputs of a layer, block by block.
struct Rotation {
  /// [blocks, b * (b - 1) / 2]: the upper triangle of each block's skew-symmetric b x b matrix, row-major.
  const FileTensor* triangles = nullptr;
  /// Terms of the series that approximates Cayley's transform, or 0 for the exact transform.
  std::int64_t series_terms = 0;
  bool is_shared = false;  ///< If true, one block serves all inputs.
};

/// Throws Error that begins with `where` if the blocks do not fit the layer's inputs.
void check_change(const Rotation& rotation, const LayerShape& shape, const std::string& where);

/// weight += scale * (weight * R^T - weight), where R is block-diagonal.
void apply_change(const Rotation& rotation, float scale, std::span<float> weight);

}  // namespace streamdiffusion
