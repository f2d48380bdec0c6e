#include "model/networks/autoencoder_kl_blocks.h"

#include <algorithm>

namespace streamdiffusion::autoencoder_kl {

AttentionBlock::AttentionBlock(LayerLoader& layers, const std::string& name, std::int64_t channels,
                               std::int64_t groups)
    : channels_(channels),
      precision_(layers.precision()),
      group_norm_(layers, name + ".group_norm", channels, groups, kEpsilon),
      qkv_(layers.linear({name + ".to_q", name + ".to_k", name + ".to_v"}, channels, channels)),
      to_out_(layers.linear(name + ".to_out.0", channels, channels)) {}

void AttentionBlock::forward(Context& context, const Tensor& x) const {
  const Arena::Scope scope(context.arena);
  const Tensor normed = context.arena.allocate(x.shape);
  const Tensor qkv = context.arena.allocate(with_channels(x.shape, channels_ * 3));
  group_norm_.forward(context, x, Activation::none, normed);
  context.device.linear(normed, *qkv_, {}, qkv);
  const Tensor& attended = normed;  // reuses the buffer: q, k and v are made
  context.device.attention(qkv.channels(0, channels_), qkv.channels(channels_, channels_),
                           qkv.channels(channels_ * 2, channels_), {.heads = 1, .precision = precision_},
                           attended);
  context.device.linear(attended, *to_out_, {.residual = x}, x);
}

MidBlock::MidBlock(LayerLoader& layers, const std::string& name, std::int64_t channels,
                   const AutoencoderKLConfig& config)
    : resnet0_(layers, name + ".resnets.0", channels, channels, config.norm_num_groups, kEpsilon),
      resnet1_(layers, name + ".resnets.1", channels, channels, config.norm_num_groups, kEpsilon) {
  if (config.mid_block_add_attention) {
    attention_.emplace(layers, name + ".attentions.0", channels, config.norm_num_groups);
  }
}

void MidBlock::forward(Context& context, const Tensor& x) const {
  resnet0_.forward(context, x, {}, x);
  if (attention_) {
    attention_->forward(context, x);
  }
  resnet1_.forward(context, x, {}, x);
}

Level::Level(LayerLoader& layers, const std::string& name, std::int64_t in_channels,
             std::int64_t out_channels, std::int64_t count, std::int64_t groups)
    : out_channels_(out_channels) {
  for (std::int64_t i = 0; i < count; ++i) {
    resnets_.emplace_back(layers, name + ".resnets." + std::to_string(i), i == 0 ? in_channels : out_channels,
                          out_channels, groups, kEpsilon);
  }
}

void Level::forward(Context& context, const Tensor& x, const Tensor& out) const {
  Tensor hidden = x;
  for (const ResnetBlock2D& resnet : resnets_) {
    resnet.forward(context, hidden, {}, out);
    hidden = out;
  }
}

LevelTensors::LevelTensors(Context& context, const std::array<Shape, kLevels>& extents,
                           std::int64_t in_channels, const std::vector<Level>& levels) {
  for (std::size_t i = 0; i < kLevels; ++i) {
    inputs_[i] = with_channels(extents[i], i == 0 ? in_channels : levels[i - 1].out_channels());
    outputs_[i] = with_channels(extents[i], levels[i].out_channels());
  }
  input_ = context.arena.allocate(*std::ranges::max_element(inputs_, {}, &Shape::elements));
  output_ = context.arena.allocate(*std::ranges::max_element(outputs_, {}, &Shape::elements));
}

Tensor LevelTensors::input(std::size_t level) const { return input_.shaped(inputs_[level]); }

Tensor LevelTensors::output(std::size_t level) const { return output_.shaped(outputs_[level]); }

}  // namespace streamdiffusion::autoencoder_kl
