#include "model/networks/autoencoder_kl.h"

#include <array>
#include <string>
#include <vector>

#include "model/autoencoder_kl_blocks.h"
#include "model/networks/norm.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

using autoencoder_kl::kEpsilon;
using autoencoder_kl::kLevels;
using autoencoder_kl::Level;
using autoencoder_kl::LevelTensors;
using autoencoder_kl::MidBlock;

/// Returns the shape with h and w multiplied by factor / divisor.
Shape resized(const Shape& shape, std::int64_t factor, std::int64_t divisor) {
  return {shape.n, shape.h * factor / divisor, shape.w * factor / divisor, shape.c};
}

/// Encodes an image to the mean and the log variance of its latents, side by side in channels.
class Encoder {
 public:
  Encoder(const AutoencoderKLConfig& config, LayerLoader& layers)
      : conv_in_(layers.conv2d("encoder.conv_in", config.in_channels, config.block_out_channels.front(), 3)),
        mid_block_(layers, "encoder.mid_block", config.block_out_channels.back(), config),
        conv_norm_out_(layers, "encoder.conv_norm_out", config.block_out_channels.back(),
                       config.norm_num_groups, kEpsilon),
        conv_out_(layers.conv2d("encoder.conv_out", config.block_out_channels.back(),
                                config.latent_channels * 2, 3)),
        first_channels_(config.block_out_channels.front()) {
    std::int64_t in_channels = first_channels_;
    for (std::size_t i = 0; i < kLevels; ++i) {
      const std::int64_t channels = config.block_out_channels[i];
      const std::string name = "encoder.down_blocks." + std::to_string(i);
      levels_.emplace_back(layers, name, in_channels, channels, config.layers_per_block,
                           config.norm_num_groups);
      if (i + 1 < kLevels) {
        downsamplers_.push_back(layers.conv2d(name + ".downsamplers.0.conv", channels, channels, 3,
                                              {.resample = Resample::down}));
      }
      in_channels = channels;
    }
  }

  void forward(Context& context, const Tensor& image, const Tensor& moments) const {
    std::array<Shape, kLevels> extents;
    for (std::size_t i = 0; i < kLevels; ++i) {
      extents[i] = resized(image.shape, 1, std::int64_t{1} << i);
    }
    const Arena::Scope scope(context.arena);
    const LevelTensors tensors(context, extents, first_channels_, levels_);

    context.device.conv2d(image, *conv_in_, {.padding = 1}, tensors.input(0));
    for (std::size_t i = 0; i < kLevels; ++i) {
      levels_[i].forward(context, tensors.input(i), tensors.output(i));
      if (i + 1 < kLevels) {
        // diffusers pads below and on the right only.
        context.device.conv2d(tensors.output(i), *downsamplers_[i], {}, tensors.input(i + 1));
      }
    }
    const Tensor hidden = tensors.output(kLevels - 1);
    mid_block_.forward(context, hidden);
    const Tensor normed = context.arena.allocate(hidden.shape);
    conv_norm_out_.forward(context, hidden, Activation::silu, normed);
    context.device.conv2d(normed, *conv_out_, {.padding = 1}, moments);
  }

 private:
  Weights conv_in_;
  std::vector<Level> levels_;
  std::vector<Weights> downsamplers_;
  MidBlock mid_block_;
  GroupNorm conv_norm_out_;
  Weights conv_out_;
  std::int64_t first_channels_;
};

/// Decodes latents to an image.
class Decoder {
 public:
  Decoder(const AutoencoderKLConfig& config, LayerLoader& layers)
      : conv_in_(
            layers.conv2d("decoder.conv_in", config.latent_channels, config.block_out_channels.back(), 3)),
        mid_block_(layers, "decoder.mid_block", config.block_out_channels.back(), config),
        conv_norm_out_(layers, "decoder.conv_norm_out", config.block_out_channels.front(),
                       config.norm_num_groups, kEpsilon),
        conv_out_(
            layers.conv2d("decoder.conv_out", config.block_out_channels.front(), config.out_channels, 3)),
        first_channels_(config.block_out_channels.back()) {
    std::int64_t in_channels = first_channels_;
    for (std::size_t i = 0; i < kLevels; ++i) {
      const std::int64_t channels = config.block_out_channels[kLevels - 1 - i];
      const std::string name = "decoder.up_blocks." + std::to_string(i);
      levels_.emplace_back(layers, name, in_channels, channels, config.layers_per_block + 1,
                           config.norm_num_groups);
      if (i + 1 < kLevels) {
        upsamplers_.push_back(
            layers.conv2d(name + ".upsamplers.0.conv", channels, channels, 3, {.resample = Resample::up}));
      }
      in_channels = channels;
    }
  }

  void forward(Context& context, const Tensor& latents, const Tensor& image) const {
    std::array<Shape, kLevels> extents;
    for (std::size_t i = 0; i < kLevels; ++i) {
      extents[i] = resized(latents.shape, std::int64_t{1} << i, 1);
    }
    const Arena::Scope scope(context.arena);
    const LevelTensors tensors(context, extents, first_channels_, levels_);

    context.device.conv2d(latents, *conv_in_, {.padding = 1}, tensors.input(0));
    mid_block_.forward(context, tensors.input(0));
    for (std::size_t i = 0; i < kLevels; ++i) {
      levels_[i].forward(context, tensors.input(i), tensors.output(i));
      if (i + 1 < kLevels) {
        context.device.conv2d(tensors.output(i), *upsamplers_[i], {.padding = 1}, tensors.input(i + 1));
      }
    }
    const Tensor hidden = tensors.output(kLevels - 1);
    const Tensor normed = context.arena.allocate(hidden.shape);
    conv_norm_out_.forward(context, hidden, Activation::silu, normed);
    context.device.conv2d(normed, *conv_out_, {.padding = 1}, image);
  }

 private:
  Weights conv_in_;
  MidBlock mid_block_;
  std::vector<Level> levels_;
  std::vector<Weights> upsamplers_;
  GroupNorm conv_norm_out_;
  Weights conv_out_;
  std::int64_t first_channels_;
};

const AutoencoderKLConfig& checked(const AutoencoderKLConfig& config) {
  if (config.block_out_channels.size() != kLevels) {
    throw Error(
        "AutoencoderKL: block_out_channels has " + std::to_string(config.block_out_channels.size()) +
        " levels, must have four (latents eight times smaller a side); check the autoencoder's config.json");
  }
  return config;
}

}  // namespace

struct AutoencoderKL::Impl {
  Impl(const AutoencoderKLConfig& configuration, LayerLoader& layers)
      : config(checked(configuration)), encoder(config, layers), decoder(config, layers) {
    if (config.use_quant_conv) {
      quant_conv = layers.linear("quant_conv", config.latent_channels * 2, config.latent_channels * 2);
    }
    if (config.use_post_quant_conv) {
      post_quant_conv = layers.linear("post_quant_conv", config.latent_channels, config.latent_channels);
    }
  }

  AutoencoderKLConfig config;
  Encoder encoder;
  Decoder decoder;
  // Null if the configuration has no such layer.
  Weights quant_conv;
  Weights post_quant_conv;
};

AutoencoderKL::AutoencoderKL(const AutoencoderKLConfig& config, LayerLoader& layers)
    : impl_(std::make_unique<Impl>(config, layers)) {
  layers.check_all_used();
}

AutoencoderKL::~AutoencoderKL() = default;

void AutoencoderKL::encode(Context& context, const Tensor& image, const Tensor& latents) const {
  const Impl& net = *impl_;
  const Arena::Scope scope(context.arena);
  Tensor moments = context.arena.allocate(with_channels(latents.shape, net.config.latent_channels * 2));
  net.encoder.forward(context, image, moments);
  if (net.quant_conv) {
    const Tensor out = context.arena.allocate(moments.shape);
    context.device.linear(moments, *net.quant_conv, {}, out);
    moments = out;
  }
  const Tensor mean = moments.channels(0, net.config.latent_channels);
  context.device.map(mean, 1.0F, Activation::none, net.config.scaling_factor, 0.0F, latents);
}

void AutoencoderKL::decode(Context& context, const Tensor& latents, const Tensor& image) const {
  const Impl& net = *impl_;
  const Arena::Scope scope(context.arena);
  Tensor hidden = context.arena.allocate(latents.shape);
  context.device.map(latents, 1.0F / net.config.scaling_factor, Activation::none, 1.0F, 0.0F, hidden);
  if (net.post_quant_conv) {
    const Tensor out = context.arena.allocate(hidden.shape);
    context.device.linear(hidden, *net.post_quant_conv, {}, out);
    hidden = out;
  }
  net.decoder.forward(context, hidden, image);
}

}  // namespace streamdiffusion
