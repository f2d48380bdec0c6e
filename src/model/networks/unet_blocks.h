#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/config/config.h"
#include "model/networks/network.h"
#include "model/networks/resnet_block.h"
#include "model/networks/skip_stack.h"
#include "model/networks/text_projections.h"
#include "model/networks/time_embedding.h"
#include "model/networks/transformer_2d.h"
#include "model/networks/unet_rows.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// What the blocks of a UNet are made from.
struct UNetParts {
  const UNet2DConditionConfig& config;
  LayerLoader& layers;
  TimeEmbedding& time;
  TextProjections& text;

  /// Tells the loader of the pictures of a level, at the size that the network was trained at.
  void expect_level(std::size_t level) const { layers.expect_side(config.sample_size >> level); }
};

/// A resnet and, in blocks with attention, the transformer after it.
class UNetLayer {
 public:
  UNetLayer(UNetParts& parts, const std::string& block, std::size_t index, std::int64_t in_channels,
            std::int64_t out_channels, const std::optional<TransformerShape>& transformer);
  /// `out` may be `x` where the number of channels stays.
  void forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const;

 private:
  ResnetBlock2D resnet_;
  std::int64_t time_first_;  // the resnet's channels in UNetRows::time
  std::optional<Transformer2D> transformer_;
};

/// DownBlock2D, CrossAttnDownBlock2D: layers, then a convolution that halves the sides. Every output is a
/// skip connection.
class UNetDownBlock {
 public:
  UNetDownBlock(UNetParts& parts, std::size_t index, std::int64_t in_channels);
  /// Returns the last output.
  Tensor forward(Context& context, const UNetRows& rows, Tensor hidden, SkipStack& skips) const;

 private:
  std::vector<UNetLayer> layers_;
  Weights downsampler_;  // none in the last block
};

/// UNetMidBlock2DCrossAttn (resnet, transformer, resnet) or UNetMidBlock2D (a resnet).
class UNetMidBlock {
 public:
  explicit UNetMidBlock(UNetParts& parts);
  void forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const;

 private:
  std::vector<UNetLayer> layers_;
};

/// UpBlock2D, CrossAttnUpBlock2D: layers that each take a skip connection, then a convolution on twice the
/// sides. `index` counts from the bottom.
class UNetUpBlock {
 public:
  UNetUpBlock(UNetParts& parts, std::size_t index, const std::vector<Junction>& junctions, std::size_t top);
  /// Takes its hidden states from `skips` and leaves them there.
  void forward(Context& context, const UNetRows& rows, SkipStack& skips) const;

 private:
  std::vector<UNetLayer> layers_;
  std::int64_t out_channels_;
  Weights upsampler_;  // none in the last block
};

/// Where skip connections and hidden states meet, for a configuration. Throws Error where its down and up
/// blocks do not fit together.
std::vector<Junction> plan_junctions(const UNet2DConditionConfig& config);

}  // namespace streamdiffusion
