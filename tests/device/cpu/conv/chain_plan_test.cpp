#include "device/cpu/conv/chain_plan.h"

#include <gtest/gtest.h>

namespace streamdiffusion::cpu {

namespace {

struct Expected {
  std::int64_t side;         // Side of the image.
  std::int64_t pieces;       // Pieces in a line; 0: the chain is computed layer by layer.
  std::int64_t piece_bytes;  // Size of a piece's memory.
};

/// Compares the plans of an autoencoder block's three convolutions at some sizes of square images.
void expect_plans(std::int64_t channels, DType activations, std::int64_t pixel_bytes,
                  std::initializer_list<Expected> all) {
  for (const Expected& expected : all) {
    const auto plan = plan_chain({.image = {1, expected.side, expected.side, channels},
                                  .dtype = activations,
                                  .steps = 3,
                                  .pixel_bytes = pixel_bytes});
    ASSERT_EQ(plan.has_value(), expected.pieces > 0) << expected.side;
    if (plan) {
      EXPECT_EQ(plan->across, expected.pieces) << expected.side;
      EXPECT_EQ(plan->down, expected.pieces) << expected.side;
      EXPECT_EQ(plan->piece_bytes(), expected.piece_bytes) << expected.side;
    }
  }
}

TEST(PlanChain, DividesImagesOfTheDefaultModel) {
  expect_plans(
      32, DType::bf16, 32,
      {{64, 0, 0}, {96, 0, 0}, {97, 4, 233152}, {128, 4, 233152}, {192, 4, 468672}, {256, 4, 786112}});
  expect_plans(32, DType::bf16, 64, {{96, 0, 0}, {128, 4, 281408}, {192, 4, 564032}, {512, 8, 944960}});
  expect_plans(32, DType::f32, 32, {{96, 0, 0}, {128, 4, 417984}, {192, 4, 841920}, {512, 8, 1413312}});
}

TEST(PlanChain, DividesImagesOfTaesd) {
  expect_plans(64, DType::bf16, 64, {{64, 0, 0}, {128, 4, 466240}, {192, 4, 937280}, {512, 8, 1572160}});
  expect_plans(64, DType::bf16, 128, {{64, 0, 0}, {128, 4, 562752}, {256, 6, 1128000}, {512, 11, 1128000}});
  expect_plans(64, DType::f32, 128, {{64, 0, 0}, {128, 4, 932416}, {256, 8, 932416}, {512, 16, 932416}});
}

TEST(PlanChain, GoesLayerByLayerIfPiecesExceedTheCache) {
  expect_plans(128, DType::f32, 128, {{512, 16, 1671744}});
  expect_plans(128, DType::f32, 256, {{512, 0, 0}});
}

TEST(PlanChain, DoesNotDependOnTheNumberOfRows) {
  const auto plan =
      plan_chain({.image = {8, 96, 96, 32}, .dtype = DType::bf16, .steps = 3, .pixel_bytes = 32});
  EXPECT_FALSE(plan.has_value());
}

}  // namespace

}  // namespace streamdiffusion::cpu
