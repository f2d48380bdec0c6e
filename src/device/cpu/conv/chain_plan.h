#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace streamdiffusion::cpu {

/// A chain of 3x3 convolutions in reduced precision, whose results all have the shape and type of the image.
struct ConvChain {
  Shape image;
  DType dtype = DType::f32;      ///< Type of the activations.
  std::int64_t steps = 0;        ///< Number of convolutions.
  std::int64_t pixel_bytes = 0;  ///< Bytes of a pixel in the weights' format (ReducedMatrix::pixel_bytes).
};

/// How an image is divided into pieces, each of which goes through the whole chain.
struct ChainPlan {
  std::int64_t down = 0;                ///< Number of pieces in a column.
  std::int64_t across = 0;              ///< Number of pieces in a line.
  std::int64_t intermediate_bytes = 0;  ///< Size of one step's result for a piece, border included.
  std::int64_t rounded_bytes = 0;       ///< Size of a step's rounded input for a piece, border included.

  [[nodiscard]] std::int64_t pieces_per_image() const { return down * across; }
  /// Size of the memory that a piece takes.
  [[nodiscard]] std::int64_t piece_bytes() const { return 2 * intermediate_bytes + rounded_bytes; }
};

/// Plans a chain. Returns nothing if the image is so small, or a piece so large, that computing layer by
/// layer is faster.
std::optional<ChainPlan> plan_chain(const ConvChain& chain);

}  // namespace streamdiffusion::cpu
