#include "model/networks/skip_stack.h"

#include <gtest/gtest.h>

#include "model/errors.h"
#include "model/networks/network_bench.h"
#include "model/networks/unet_blocks.h"

namespace streamdiffusion {
namespace {

UNet2DConditionConfig two_levels() {
  UNet2DConditionConfig config;
  config.block_out_channels = {320, 640};
  config.layers_per_block = {2, 1};
  config.layers_per_up_block = {1, 2};
  return config;
}

TEST(SkipStack, PlansWhereSkipConnectionsMeetHiddenStates) {
  const std::vector<Junction> junctions = plan_junctions(two_levels());
  // The output, conv_in, two layers and a sampler of the first block, the layer of the second. The first
  // hidden states come from the mid block (640 channels), later ones from the up block before.
  const std::vector<std::vector<std::int64_t>> expected = {{320, 0, 0},   {320, 320, 0}, {320, 320, 0},
                                                           {640, 320, 0}, {640, 320, 1}, {640, 640, 1}};
  ASSERT_EQ(junctions.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ((std::vector<std::int64_t>{junctions[i].hidden_channels, junctions[i].skip_channels,
                                         junctions[i].level}),
              expected[i])
        << i;
  }
}

TEST(SkipStack, RefusesBlocksThatDoNotFit) {
  UNet2DConditionConfig config = two_levels();
  config.layers_per_up_block = {1, 1};
  expect_error([&] { plan_junctions(config); }, {"layers_per_block"});
  config.layers_per_up_block = {1, 3};
  expect_error([&] { plan_junctions(config); }, {"up block 1", "layers_per_block"});
}

TEST(SkipStack, JoinsHiddenStatesAndSkipConnectionWithoutACopy) {
  NetworkBench bench;
  Context context = bench.context();
  const Arena::Scope scope(bench.arena());
  const std::vector<Junction> junctions = plan_junctions(two_levels());
  SkipStack skips(context, {2, 5, 7, 4}, junctions);
  std::vector<Tensor> pushed;
  for (std::size_t i = 1; i < junctions.size(); ++i) {
    pushed.push_back(skips.push());
  }
  EXPECT_EQ(pushed.back().shape, (Shape{2, 3, 4, 640}));  // halved, an odd side rounded up
  const Tensor hidden = skips.hidden();
  const Tensor joined = skips.pop();
  EXPECT_EQ(joined.shape, (Shape{2, 3, 4, 1280}));
  EXPECT_EQ(hidden.data, joined.data);
  EXPECT_EQ(hidden.shape.c, 640);
  EXPECT_EQ(pushed.back().data, joined.channels(640, 640).data);
  EXPECT_EQ(pushed.back().stride, 1280);
}

}  // namespace
}  // namespace streamdiffusion
