#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/networks/network.h"
#include "model/networks/norm.h"
#include "model/networks/text_projections.h"
#include "model/networks/unet_rows.h"
#include "model/weights/layers.h"

namespace streamdiffusion {

/// The hyperparameters of a block's transformers.
struct TransformerShape {
  std::int64_t heads = 1;
  std::int64_t num_layers = 1;
  std::int64_t cross_attention_dim = 0;
};

/// BasicTransformerBlock: self-attention, cross-attention to the text and a GEGLU feed-forward network. Each
/// has a layer norm before it and a residual connection.
class BasicTransformerBlock {
 public:
  BasicTransformerBlock(LayerLoader& layers, TextProjections& text, const std::string& name,
                        std::int64_t channels, const TransformerShape& shape);

  /// Transforms `hidden` in place: [rows, h, w, channels].
  void forward(Context& context, const UNetRows& rows, const Tensor& hidden) const;

 private:
  void self_attention(Context& context, const UNetRows& rows, const Tensor& hidden,
                      const Tensor& normed) const;
  void attend_with_banks(Context& context, const UNetRows& rows, const Tensor& qkv,
                         const Tensor& attended) const;
  void cross_attention(Context& context, const UNetRows& rows, const Tensor& hidden,
                       const Tensor& normed) const;
  void add_image_prompt(Context& context, const UNetRows& rows, std::size_t first_row, const Tensor& queries,
                        const Tensor& attended) const;
  void feed_forward(Context& context, const Tensor& hidden, const Tensor& normed) const;

  std::int64_t heads_;
  std::int64_t channels_;
  Precision precision_;
  LayerNorm norm1_;
  Weights attn1_qkv_;  // queries, keys and values in one layer
  Weights attn1_out_;
  LayerNorm norm2_;
  Weights attn2_q_;
  std::size_t index_;  // of the block among all of the UNet, and of its keys and values in TextContext
  Weights attn2_out_;
  LayerNorm norm3_;
  Weights ff_in_;  // with GEGLU
  Weights ff_out_;
};

/// Transformer2DModel on images: group norm, projection, transformer blocks, projection and a residual
/// connection. Projections are linear layers, which equal 1x1 convolutions if channels come last.
class Transformer2D {
 public:
  Transformer2D(LayerLoader& layers, TextProjections& text, const std::string& name, std::int64_t channels,
                std::int64_t groups, const TransformerShape& shape);

  /// `x` and `out` are [rows, h, w, channels]. `out` may be `x`.
  void forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const;

 private:
  GroupNorm norm_;
  Weights proj_in_;
  std::vector<BasicTransformerBlock> blocks_;
  Weights proj_out_;
};

}  // namespace streamdiffusion
