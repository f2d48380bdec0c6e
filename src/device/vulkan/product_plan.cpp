#include "device/vulkan/product_plan.h"

namespace streamdiffusion::vulkan {

ProductPlan plan_product(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kFew = 8;
  if (columns <= kFew) {  // A convolution to the channels of an image or of latents.
    return {.tile_rows = 128, .tile_columns = 8, .thread_rows = 2, .thread_columns = 8};
  }
  if (rows <= kFew) {  // A linear layer of a vector for each row of the batch.
    return {.tile_rows = 8, .tile_columns = 64, .thread_rows = 2, .thread_columns = 4};
  }
  if (rows <= 8 * kFew) {  // Small images: smaller tiles, so that more workgroups have work.
    return {.tile_rows = 32, .tile_columns = 32, .thread_rows = 4, .thread_columns = 4};
  }
  return {.tile_rows = 64, .tile_columns = 64, .thread_rows = 8, .thread_columns = 8};
}

}  // namespace streamdiffusion::vulkan
