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

/// The objects that a UNet's blocks are constructed from.
struct UNetParts {
  const UNet2DConditionConfig& config;
  LayerLoader& layers;
  TimeEmbedding& time;
  TextProjections& text;

  /// Tells the loader the side of a level's tensors at the size that the network was trained at.
  void expect_level(std::size_t level) const { layers.expect_side(config.sample_size >> level); }
};

/// A resnet and, in blocks with attention, the transformer after it.
class UNetLayer {
 public:
  UNetLayer(UNetParts& parts, const std::string& block, std::size_t index, std::int64_t in_channels,
            std::int64_t out_channels, const std::optional<TransformerShape>& transformer);
  /// `out` may be `x` if in_channels equals out_channels.
  void forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const;

 private:
  ResnetBlock2D resnet_;
  std::int64_t time_first_;  // first channel of the resnet's projection in UNetRows::time
  std::optional<Transformer2D> transformer_;
};

/// DownBlock2D or CrossAttnDownBlock2D: layers, then a convolution that halves the sides. Every output is
/// written as a skip connection.
class UNetDownBlock {
 public:
  UNetDownBlock(UNetParts& parts, std::size_t index, std::int64_t in_channels);
  /// Returns the last output, a view of a skip connection.
  Tensor forward(Context& context, const UNetRows& rows, Tensor hidden, SkipStack& skips) const;

 private:
  std::vector<UNetLayer> layers_;
  Weights downsampler_;  // null in the last block
};

/// UNetMidBlock2DCrossAttn (resnet, transformer, resnet) or UNetMidBlock2D (one resnet).
class UNetMidBlock {
 public:
  explicit UNetMidBlock(UNetParts& parts);
  void forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const;

 private:
  std::vector<UNetLayer> layers_;
};

/// UpBlock2D or CrossAttnUpBlock2D: layers that each take a skip connection, then a convolution after
/// upsampling by 2. `index` counts up blocks from the coarsest.
class UNetUpBlock {
 public:
  /// `top` is the index of the first junction that this block takes; later ones have smaller indices.
  UNetUpBlock(UNetParts& parts, std::size_t index, const std::vector<Junction>& junctions, std::size_t top);
  /// Reads its hidden states from `skips` and writes its output there.
  void forward(Context& context, const UNetRows& rows, SkipStack& skips) const;

 private:
  std::vector<UNetLayer> layers_;
  std::int64_t out_channels_;
  Weights upsampler_;  // null in the last block
};

/// Returns the junctions of a configuration in the order of the down blocks. Throws Error if its down and up
/// blocks do not fit together.
std::vector<Junction> plan_junctions(const UNet2DConditionConfig& config);

}  // namespace streamdiffusion
