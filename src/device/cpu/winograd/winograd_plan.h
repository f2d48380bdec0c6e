#pragma once

#include <cstdint>

#include "core/round_up.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// The type that transformed inputs and weights are multiplied in.
enum class WinogradFormat { f32, bf16, int16 };
constexpr std::int64_t bytes_of(WinogradFormat format) { return format == WinogradFormat::f32 ? 4 : 2; }
/// Number of a column's weights that are adjacent, since one instruction multiplies them.
constexpr std::int64_t interleaved_weights(WinogradFormat format) {
  return format == WinogradFormat::f32 ? 1 : 2;
}

/// Output pixels on a side of a tile: F(2x2, 3x3) or F(4x4, 3x3).
enum class WinogradTile : std::uint8_t { two = 2, four = 4 };

/// How Winograd's algorithm computes a layer.
struct WinogradPlan {
  WinogradFormat format = WinogradFormat::f32;
  WinogradTile tile = WinogradTile::four;
  std::int64_t phases = 1;      ///< 4 if the layer upsamples by phases, else 1.
  std::int64_t min_pixels = 0;  ///< Smallest height * width of an output that the algorithm computes.
  /// Most bytes of transformed inputs and products of a piece of the image, which one thread computes in its
  /// second-level cache; 0 if the layer has too many weights to read all of them for each piece.
  std::int64_t piece_bytes = 0;
  /// The same of a strip, which all threads compute in the last-level cache, where pieces are not used.
  std::int64_t strip_bytes = 0;

  /// Number of transformed values of a tile; each position has a matrix of its own.
  [[nodiscard]] std::int64_t positions() const {
    const std::int64_t side = static_cast<std::int64_t>(tile) + 2;
    return side * side;
  }
  /// Columns of a position's matrix: the output channels of each phase, padded to whole vectors.
  [[nodiscard]] std::int64_t columns(const HostConv2d& layer, std::int64_t lanes) const {
    return phases * round_up(layer.out_channels, lanes);
  }
  /// Rows of a position's matrix: the input channels, padded to whole instructions.
  [[nodiscard]] std::int64_t rows(const HostConv2d& layer) const {
    return round_up(layer.in_channels, interleaved_weights(format));
  }
};

}  // namespace streamdiffusion::cpu
