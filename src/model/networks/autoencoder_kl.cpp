#include "model/networks/autoencoder_kl.h"

#include <array>
#include <string>
#include <vector>

#include "model/networks/autoencoder_kl_blocks.h"
#include "model/networks/norm.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

using autoencoder_kl::kEpsilon;
using autoencoder_kl::kLevels;
using autoencoder_kl::Level;
using autoencoder_kl::LevelTensors;
using autoencoder_kl::MidBlock;

/// The direction in which levels change the resolution: the encoder goes down, the decoder up.
enum class Direction { down, up };

/// The differences between the encoder and the decoder.
struct CoderPlan {
  Direction direction;
  std::string name;         // Begins the names of all layers.
  std::string levels_name;  // Begins the names of the levels, which a number follows.
  std::string resampler_name;
  std::int64_t in_channels;
  std::int64_t out_channels;
  std::vector<std::int64_t> level_channels;  // In the order of computation.
  std::int64_t resnets_per_level;
};

CoderPlan encoder_plan(const AutoencoderKLConfig& config) {
  return {.direction = Direction::down,
          .name = "encoder",
          .levels_name = "encoder.down_blocks.",
          .resampler_name = ".downsamplers.0.conv",
          .in_channels = config.in_channels,
          .out_channels = config.latent_channels * 2,  // The mean and the log variance.
          .level_channels = config.block_out_channels,
          .resnets_per_level = config.layers_per_block};
}

CoderPlan decoder_plan(const AutoencoderKLConfig& config) {
  return {.direction = Direction::up,
          .name = "decoder",
          .levels_name = "decoder.up_blocks.",
          .resampler_name = ".upsamplers.0.conv",
          .in_channels = config.latent_channels,
          .out_channels = config.out_channels,
          .level_channels = {config.block_out_channels.rbegin(), config.block_out_channels.rend()},
          .resnets_per_level = config.layers_per_block + 1};
}

/// The encoder or the decoder: levels of resnets with a change of the resolution between them, and the middle
/// block where the resolution is lowest.
class Coder {
 public:
  Coder(const AutoencoderKLConfig& config, const CoderPlan& plan, LayerLoader& layers)
      : direction_(plan.direction),
        first_channels_(plan.level_channels.front()),
        conv_in_(layers.conv2d(plan.name + ".conv_in", plan.in_channels, first_channels_, 3)),
        mid_block_(layers, plan.name + ".mid_block", config.block_out_channels.back(), config),
        conv_norm_out_(layers, plan.name + ".conv_norm_out", plan.level_channels.back(),
                       config.norm_num_groups, kEpsilon),
        conv_out_(layers.conv2d(plan.name + ".conv_out", plan.level_channels.back(), plan.out_channels, 3)) {
    const Resample resample = direction_ == Direction::down ? Resample::down : Resample::up;
    std::int64_t in_channels = first_channels_;
    for (std::size_t i = 0; i < kLevels; ++i) {
      const std::int64_t channels = plan.level_channels[i];
      const std::string name = plan.levels_name + std::to_string(i);
      levels_.emplace_back(layers, name, in_channels, channels, plan.resnets_per_level,
                           config.norm_num_groups);
      if (i + 1 < kLevels) {
        resamplers_.push_back(
            layers.conv2d(name + plan.resampler_name, channels, channels, 3, {.resample = resample}));
      }
      in_channels = channels;
    }
  }

  void forward(Context& context, const Tensor& x, const Tensor& out) const {
    const Arena::Scope scope(context.arena);
    const LevelTensors tensors(context, extents(x.shape), first_channels_, levels_);
    context.device.conv2d(x, *conv_in_, {.padding = 1}, tensors.input(0));
    if (direction_ == Direction::up) {
      mid_block_.forward(context, tensors.input(0));
    }
    for (std::size_t i = 0; i < kLevels; ++i) {
      levels_[i].forward(context, tensors.input(i), tensors.output(i));
      if (i + 1 < kLevels) {
        // diffusers pads below and on the right only before it halves the resolution.
        const std::int64_t padding = direction_ == Direction::down ? 0 : 1;
        context.device.conv2d(tensors.output(i), *resamplers_[i], {.padding = padding}, tensors.input(i + 1));
      }
    }
    const Tensor hidden = tensors.output(kLevels - 1);
    if (direction_ == Direction::down) {
      mid_block_.forward(context, hidden);
    }
    const Tensor normed = context.arena.allocate(hidden.shape);
    conv_norm_out_.forward(context, hidden, Activation::silu, normed);
    context.device.conv2d(normed, *conv_out_, {.padding = 1}, out);
  }

 private:
  /// Returns the shape of each level for an input of shape `x`, whose channels are ignored.
  [[nodiscard]] std::array<Shape, kLevels> extents(const Shape& x) const {
    std::array<Shape, kLevels> shapes;
    for (std::size_t i = 0; i < kLevels; ++i) {
      const std::int64_t factor = std::int64_t{1} << i;
      shapes[i] = direction_ == Direction::down ? Shape{x.n, x.h / factor, x.w / factor, x.c}
                                                : Shape{x.n, x.h * factor, x.w * factor, x.c};
    }
    return shapes;
  }

  Direction direction_;
  std::int64_t first_channels_;
  Weights conv_in_;
  MidBlock mid_block_;
  std::vector<Level> levels_;
  std::vector<Weights> resamplers_;
  GroupNorm conv_norm_out_;
  Weights conv_out_;
};

const AutoencoderKLConfig& checked(const AutoencoderKLConfig& config) {
  if (config.block_out_channels.size() != kLevels) {
    throw FileError(
        "AutoencoderKL: block_out_channels has " + std::to_string(config.block_out_channels.size()) +
        " levels, must have four (latents eight times smaller a side); check the autoencoder's config.json");
  }
  return config;
}

class AutoencoderKL final : public Autoencoder {
 public:
  AutoencoderKL(const AutoencoderKLConfig& config, LayerLoader& layers)
      : config_(checked(config)),
        encoder_(config, encoder_plan(config), layers),
        decoder_(config, decoder_plan(config), layers) {
    if (config.use_quant_conv) {
      quant_conv_ = layers.linear("quant_conv", config.latent_channels * 2, config.latent_channels * 2);
    }
    if (config.use_post_quant_conv) {
      post_quant_conv_ = layers.linear("post_quant_conv", config.latent_channels, config.latent_channels);
    }
    layers.check_all_used();
  }

  [[nodiscard]] PixelRange encode_range() const override { return {2.0F, -1.0F}; }

  void encode(Context& context, const Tensor& image, const Tensor& latents) const override {
    const Arena::Scope scope(context.arena);
    Tensor moments = context.arena.allocate(with_channels(latents.shape, config_.latent_channels * 2));
    encoder_.forward(context, image, moments);
    if (quant_conv_) {
      const Tensor out = context.arena.allocate(moments.shape);
      context.device.linear(moments, *quant_conv_, {}, out);
      moments = out;
    }
    const Tensor mean = moments.channels(0, config_.latent_channels);
    context.device.map(mean, 1.0F, Activation::none, config_.scaling_factor, 0.0F, latents);
  }

  void decode(Context& context, const Tensor& latents, const Tensor& image) const override {
    const Arena::Scope scope(context.arena);
    Tensor hidden = context.arena.allocate(latents.shape);
    context.device.map(latents, 1.0F / config_.scaling_factor, Activation::none, 1.0F, 0.0F, hidden);
    if (post_quant_conv_) {
      const Tensor out = context.arena.allocate(hidden.shape);
      context.device.linear(hidden, *post_quant_conv_, {}, out);
      hidden = out;
    }
    decoder_.forward(context, hidden, image);
  }

 private:
  AutoencoderKLConfig config_;
  Coder encoder_;
  Coder decoder_;
  // Null if the configuration has no such layer.
  Weights quant_conv_;
  Weights post_quant_conv_;
};

}  // namespace

std::unique_ptr<Autoencoder> make_autoencoder(const AutoencoderKLConfig& config, LayerLoader& layers) {
  return std::make_unique<AutoencoderKL>(config, layers);
}

}  // namespace streamdiffusion
