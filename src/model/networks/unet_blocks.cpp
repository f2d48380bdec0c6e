#include "model/networks/unet_blocks.h"

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// Returns the transformer's hyperparameters on a level (0 is the finest), or nothing without attention.
std::optional<TransformerShape> transformer_shape(const UNet2DConditionConfig& config, std::size_t level,
                                                  bool attention) {
  if (!attention) {
    return std::nullopt;
  }
  return TransformerShape{.heads = config.heads[level],
                          .num_layers = config.transformer_layers_per_block[level],
                          .cross_attention_dim = config.cross_attention_dim[level]};
}

std::size_t count(std::int64_t layers) { return static_cast<std::size_t>(layers); }

}  // namespace

UNetLayer::UNetLayer(UNetParts& parts, const std::string& block, std::size_t index, std::int64_t in_channels,
                     std::int64_t out_channels, const std::optional<TransformerShape>& transformer)
    : resnet_(parts.layers, block + ".resnets." + std::to_string(index), in_channels, out_channels,
              parts.config.norm_num_groups, parts.config.norm_eps),
      time_first_(parts.time.add_projection(
          parts.layers, block + ".resnets." + std::to_string(index) + ".time_emb_proj", out_channels)) {
  if (transformer) {
    transformer_.emplace(parts.layers, parts.text, block + ".attentions." + std::to_string(index),
                         out_channels, parts.config.norm_num_groups, *transformer);
  }
}

void UNetLayer::forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const {
  resnet_.forward(context, x, rows.time.channels(time_first_, out.shape.c), out);
  if (transformer_) {
    transformer_->forward(context, rows, out, out);
  }
}

UNetDownBlock::UNetDownBlock(UNetParts& parts, std::size_t index, std::int64_t in_channels) {
  const UNet2DConditionConfig& config = parts.config;
  const std::string name = "down_blocks." + std::to_string(index);
  const std::int64_t channels = config.block_out_channels[index];
  const auto transformer = transformer_shape(config, index, config.down_attention[index]);
  parts.expect_level(index);
  for (std::size_t i = 0; i < count(config.layers_per_block[index]); ++i) {
    layers_.emplace_back(parts, name, i, i == 0 ? in_channels : channels, channels, transformer);
  }
  if (index + 1 < config.block_out_channels.size()) {
    downsampler_ = parts.layers.conv2d(name + ".downsamplers.0.conv", channels, channels, 3,
                                       {.resample = Resample::down});
  }
}

Tensor UNetDownBlock::forward(Context& context, const UNetRows& rows, Tensor hidden, SkipStack& skips) const {
  for (const UNetLayer& layer : layers_) {
    const Tensor out = skips.push();
    layer.forward(context, rows, hidden, out);
    hidden = out;
  }
  if (downsampler_) {
    const Tensor out = skips.push();
    context.device.conv2d(hidden, *downsampler_, {.padding = 1}, out);
    hidden = out;
  }
  return hidden;
}

UNetMidBlock::UNetMidBlock(UNetParts& parts) {
  const UNet2DConditionConfig& config = parts.config;
  const std::int64_t channels = config.block_out_channels.back();
  const std::size_t level = config.block_out_channels.size() - 1;
  parts.expect_level(level);
  layers_.emplace_back(parts, "mid_block", 0, channels, channels,
                       transformer_shape(config, level, config.mid_attention));
  if (config.mid_attention) {
    layers_.emplace_back(parts, "mid_block", 1, channels, channels, std::nullopt);
  }
}

void UNetMidBlock::forward(Context& context, const UNetRows& rows, const Tensor& x, const Tensor& out) const {
  Tensor hidden = x;
  for (const UNetLayer& layer : layers_) {
    layer.forward(context, rows, hidden, out);
    hidden = out;
  }
}

UNetUpBlock::UNetUpBlock(UNetParts& parts, std::size_t index, const std::vector<Junction>& junctions,
                         std::size_t top) {
  const UNet2DConditionConfig& config = parts.config;
  const std::size_t level = config.block_out_channels.size() - 1 - index;
  const std::string name = "up_blocks." + std::to_string(index);
  const auto transformer = transformer_shape(config, level, config.up_attention[index]);
  out_channels_ = config.block_out_channels[level];
  parts.expect_level(level);
  for (std::size_t i = 0; i < count(config.layers_per_up_block[index]) + 1; ++i) {
    const Junction& junction = junctions[top - i];
    layers_.emplace_back(parts, name, i, junction.hidden_channels + junction.skip_channels, out_channels_,
                         transformer);
  }
  if (level > 0) {
    upsampler_ = parts.layers.conv2d(name + ".upsamplers.0.conv", out_channels_, out_channels_, 3,
                                     {.resample = Resample::up});
  }
}

void UNetUpBlock::forward(Context& context, const UNetRows& rows, SkipStack& skips) const {
  for (const UNetLayer& layer : layers_) {
    const Tensor joined = skips.pop();
    if (!upsampler_ || &layer != &layers_.back()) {
      layer.forward(context, rows, joined, skips.hidden());
      continue;
    }
    const Arena::Scope scope(context.arena);
    const Tensor out = context.arena.allocate(with_channels(joined.shape, out_channels_));
    layer.forward(context, rows, joined, out);
    // Upsamples to the size of the next skip connection: 2 * side, or 2 * side - 1 if a side was odd.
    context.device.conv2d(out, *upsampler_, {.padding = 1}, skips.hidden());
  }
}

std::vector<Junction> plan_junctions(const UNet2DConditionConfig& config) {
  const std::vector<std::int64_t>& channels = config.block_out_channels;
  const std::size_t blocks = channels.size();
  // The skip connections in the order of the down blocks. First come the final output and conv_in's output.
  std::vector<Junction> junctions{{.hidden_channels = channels.front()}, {.skip_channels = channels.front()}};
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto level = static_cast<int>(i);
    junctions.insert(junctions.end(), count(config.layers_per_block[i]),
                     {.skip_channels = channels[i], .level = level});
    if (i + 1 < blocks) {
      junctions.push_back({.skip_channels = channels[i], .level = level + 1});
    }
  }
  // The up blocks take the skip connections in reverse order.
  std::size_t top = junctions.size();
  std::int64_t hidden_channels = channels.back();
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t level = blocks - 1 - i;
    for (std::size_t layer = 0; layer < count(config.layers_per_up_block[i]) + 1; ++layer) {
      if (top == 1 || junctions[top - 1].level != static_cast<int>(level)) {
        throw FileError("the UNet's up block " + std::to_string(i) +
                        " has another number of layers than its down block leaves skip connections; check "
                        "layers_per_block in the config.json beside the weights");
      }
      junctions[--top].hidden_channels = hidden_channels;
      hidden_channels = channels[level];
    }
  }
  if (top != 1) {
    throw FileError(
        "the UNet's down blocks leave more skip connections than its up blocks take; check layers_per_block "
        "in the "
        "config.json beside the weights");
  }
  return junctions;
}

}  // namespace streamdiffusion
