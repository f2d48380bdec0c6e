#include "device/vulkan/product_plan.h"

#include <gtest/gtest.h>

namespace streamdiffusion::vulkan {
namespace {

TEST(VulkanProductPlan, FitsTheProduct) {
  constexpr ProductPlan kLarge{64, 64, 8, 8};
  constexpr ProductPlan kSmall{32, 32, 4, 4};
  constexpr ProductPlan kFewRows{8, 64, 2, 4};
  constexpr ProductPlan kFewColumns{128, 8, 2, 8};
  EXPECT_EQ(plan_product(64 * 64, 320), kLarge);
  EXPECT_EQ(plan_product(8 * 8, 1280), kSmall);
  EXPECT_EQ(plan_product(2, 1280), kFewRows) << "a time embedding";
  EXPECT_EQ(plan_product(512 * 512, 3), kFewColumns) << "an image";
  EXPECT_EQ(plan_product(64 * 64, 4), kFewColumns) << "latents";
}

TEST(VulkanProductPlan, DividesEvenlyAmongFewThreads) {
  for (const std::int64_t rows : {1, 2, 9, 77, 1024, 262144}) {
    for (const std::int64_t columns : {1, 3, 4, 9, 320, 10240}) {
      const ProductPlan plan = plan_product(rows, columns);
      EXPECT_EQ(plan.tile_rows % plan.thread_rows, 0U);
      EXPECT_EQ(plan.tile_columns % plan.thread_columns, 0U);
      EXPECT_EQ(plan.thread_columns % 4, 0U) << "the shader loads four columns at a time";
      EXPECT_LE(plan.threads(), 128U) << "every device allows as many";
      EXPECT_LE((plan.tile_rows + plan.tile_columns) * 16 * sizeof(float), 16384U)
          << "every device has as many bytes of shared memory";
    }
  }
}

}  // namespace
}  // namespace streamdiffusion::vulkan
