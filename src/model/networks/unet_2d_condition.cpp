#include "model/networks/unet_2d_condition.h"

#include <cassert>
#include <span>
#include <string>
#include <vector>

#include "model/networks/norm.h"
#include "model/networks/skip_stack.h"
#include "model/networks/text_projections.h"
#include "model/networks/time_embedding.h"
#include "model/networks/unet_blocks.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

struct UNet2DCondition::Impl {
  Impl(const UNet2DConditionConfig& configuration, LayerLoader& layers);

  UNet2DConditionConfig config;
  TimeEmbedding time;
  TextProjections text;
  std::vector<Junction> junctions;
  Weights conv_in;
  std::vector<UNetDownBlock> down_blocks;
  std::optional<UNetMidBlock> mid_block;
  std::vector<UNetUpBlock> up_blocks;
  GroupNorm conv_norm_out;
  Weights conv_out;
};

UNet2DCondition::Impl::Impl(const UNet2DConditionConfig& configuration, LayerLoader& layers)
    : config(configuration),
      time(config, layers),
      junctions(plan_junctions(config)),
      conv_in(layers.conv2d("conv_in", config.in_channels, config.block_out_channels.front(), 3)),
      conv_norm_out(layers, "conv_norm_out", config.block_out_channels.front(), config.norm_num_groups,
                    config.norm_eps),
      conv_out(layers.conv2d("conv_out", config.block_out_channels.front(), config.out_channels, 3)) {
  UNetParts parts{config, layers, time, text};
  std::int64_t channels = config.block_out_channels.front();
  for (std::size_t i = 0; i < config.block_out_channels.size(); ++i) {
    down_blocks.emplace_back(parts, i, channels);
    channels = config.block_out_channels[i];
  }
  if (config.mid_block) {
    mid_block.emplace(parts);
  }
  std::size_t top = junctions.size() - 1;
  for (std::size_t i = 0; i < config.block_out_channels.size(); ++i) {
    up_blocks.emplace_back(parts, i, junctions, top);
    top -= static_cast<std::size_t>(config.layers_per_up_block[i]) + 1;
  }
}

UNet2DCondition::UNet2DCondition(const UNet2DConditionConfig& config, LayerLoader& layers)
    : impl_(std::make_unique<Impl>(config, layers)) {
  layers.check_all_used();
}

UNet2DCondition::~UNet2DCondition() = default;
UNet2DCondition::UNet2DCondition(UNet2DCondition&& other) noexcept = default;

const UNet2DConditionConfig& UNet2DCondition::config() const { return impl_->config; }

std::int64_t UNet2DCondition::time_width() const { return impl_->time.width(); }

void UNet2DCondition::time_projections(Context& context, std::span<const float> timesteps,
                                       std::optional<float> guidance_embedding, const Tensor& out) const {
  impl_->time.forward(context, timesteps, guidance_embedding, out);
}

std::unique_ptr<TextContext> UNet2DCondition::text_context(Context& context, const Tensor& embedding) const {
  return impl_->text.forward(context, embedding);
}

namespace {

/// Adds residual `index` of a ControlNet, the mid block's being the last one.
void add_residual(Context& context, const Tensor& residual, const Tensor& to, std::size_t index) {
  if (residual.empty()) {
    return;
  }
  if (residual.shape != to.shape) {
    throw ArgumentError("the ControlNet's residual " + std::to_string(index) +
                        " has the wrong shape: it is made for another size or another UNet");
  }
  context.device.add(to, residual, to);
}

/// Adds a ControlNet's residuals to the skip connections and to the mid block's output.
void add_residuals(Context& context, const UNetHooks& hooks, const SkipStack& skips) {
  const std::span<const Tensor> residuals = hooks.down_residuals;
  if (!residuals.empty() && residuals.size() != skips.size()) {
    throw ArgumentError("the ControlNet has " + std::to_string(residuals.size()) +
                        " residuals for the UNet's " + std::to_string(skips.size()) +
                        " skip connections: it is made for another UNet");
  }
  for (std::size_t i = 0; i < residuals.size(); ++i) {
    add_residual(context, residuals[i], skips.skip(i), i);
  }
  add_residual(context, hooks.mid_residual, skips.hidden(), skips.size());
}

}  // namespace

void UNet2DCondition::forward(Context& context, const Tensor& sample, const UNetRows& rows,
                              const Tensor& out) const {
  assert(rows.time.shape.n == sample.shape.n &&
         static_cast<std::int64_t>(rows.text.size()) == sample.shape.n);
  const Impl& net = *impl_;
  const Arena::Scope scope(context.arena);
  SkipStack skips(context, sample.shape, net.junctions);

  Tensor hidden = skips.push();
  context.device.conv2d(sample, *net.conv_in, {.padding = 1}, hidden);
  for (const UNetDownBlock& block : net.down_blocks) {
    hidden = block.forward(context, rows, hidden, skips);
  }
  if (net.mid_block) {
    net.mid_block->forward(context, rows, hidden, skips.hidden());
  } else {
    context.device.copy(hidden, skips.hidden());
  }
  add_residuals(context, rows.hooks, skips);
  for (const UNetUpBlock& block : net.up_blocks) {
    block.forward(context, rows, skips);
  }
  hidden = skips.pop();
  const Tensor normed = context.arena.allocate(hidden.shape);
  net.conv_norm_out.forward(context, hidden, Activation::silu, normed);
  context.device.conv2d(normed, *net.conv_out, {.padding = 1}, out);
}

}  // namespace streamdiffusion
