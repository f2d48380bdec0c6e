#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

namespace streamdiffusion {

/// A change by OFT as peft has it: the inputs of a layer are rotated, block by block, by orthogonal matrices.
struct Rotation {
  /// [blocks, b * (b - 1) / 2]: of each block the upper triangle of a skew-symmetric matrix of b x b, row by
  /// row.
  const FileTensor* triangles = nullptr;
  /// Terms of the series that approximates Cayley's transform; 0: the transform itself.
  std::int64_t series_terms = 0;
  bool is_shared = false;  ///< One block serves all inputs.
};

/// Throws Error, beginning with `where`, where the blocks do not fit the inputs of this layer.
void check_change(const Rotation& rotation, const LayerShape& shape, const std::string& where);

/// weight += scale * (weight * R^T - weight), where R holds the blocks on its diagonal.
void apply_change(const Rotation& rotation, float scale, std::span<float> weight);

}  // namespace streamdiffusion
