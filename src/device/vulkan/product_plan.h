#pragma once

#include <cstdint>

namespace streamdiffusion::vulkan {

/// How product.comp divides a matrix product: the rows and columns that a workgroup and each of its threads
/// compute. thread_columns is a multiple of four.
struct ProductPlan {
  std::uint32_t tile_rows = 0;
  std::uint32_t tile_columns = 0;
  std::uint32_t thread_rows = 0;
  std::uint32_t thread_columns = 0;

  [[nodiscard]] std::uint32_t threads() const {
    return tile_rows / thread_rows * (tile_columns / thread_columns);
  }
  bool operator==(const ProductPlan&) const = default;
};

/// Chooses the tiles of a product of so many rows and columns.
ProductPlan plan_product(std::int64_t rows, std::int64_t columns);

}  // namespace streamdiffusion::vulkan
