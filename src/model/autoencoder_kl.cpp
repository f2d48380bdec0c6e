#include "model/autoencoder_kl.h"

#include <optional>
#include <string>
#include <vector>

#include "model/norm.h"
#include "model/resnet_block.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr float kEpsilon = 1e-6F;
constexpr std::size_t kLevels = 4;  // a picture is halved between two of them: eight times in all

/// Attention of one head over all pixels, added to what came in.
class AttentionBlock {
 public:
  AttentionBlock(LayerLoader& layers, const std::string& name, std::int64_t channels, std::int64_t groups)
      : channels_(channels),
        group_norm_(layers, name + ".group_norm", channels, groups, kEpsilon),
        qkv_(layers.linear({name + ".to_q", name + ".to_k", name + ".to_v"}, channels, channels)),
        to_out_(layers.linear(name + ".to_out.0", channels, channels)) {}

  /// In place.
  void forward(Context& context, const Tensor& x) const {
    const Arena::Scope scope(context.arena);
    const Tensor normed = context.arena.allocate(x.shape);
    const Tensor qkv = context.arena.allocate(with_channels(x.shape, channels_ * 3));
    group_norm_.forward(context, x, Activation::none, normed);
    context.device.linear(normed, *qkv_, {}, qkv);
    const Tensor& attended = normed;  // its place, now that queries, keys and values are made
    context.device.attention(qkv.channels(0, channels_), qkv.channels(channels_, channels_),
                             qkv.channels(channels_ * 2, channels_), {.heads = 1}, attended);
    context.device.linear(attended, *to_out_, {.residual = x}, x);
  }

 private:
  std::int64_t channels_;
  GroupNorm group_norm_;
  Weights qkv_;
  Weights to_out_;
};

/// UNetMidBlock2D.
class MidBlock {
 public:
  MidBlock(LayerLoader& layers, const std::string& name, std::int64_t channels,
           const AutoencoderKLConfig& config)
      : resnet0_(layers, name + ".resnets.0", channels, channels, config.norm_num_groups, kEpsilon),
        resnet1_(layers, name + ".resnets.1", channels, channels, config.norm_num_groups, kEpsilon) {
    if (config.mid_block_add_attention) {
      attention_.emplace(layers, name + ".attentions.0", channels, config.norm_num_groups);
    }
  }

  /// In place.
  void forward(Context& context, const Tensor& x) const {
    resnet0_.forward(context, x, {}, x);
    if (attention_) {
      attention_->forward(context, x);
    }
    resnet1_.forward(context, x, {}, x);
  }

 private:
  ResnetBlock2D resnet0_;
  std::optional<AttentionBlock> attention_;
  ResnetBlock2D resnet1_;
};

/// DownEncoderBlock2D or UpDecoderBlock2D: resnets of one resolution.
class Level {
 public:
  Level(LayerLoader& layers, const std::string& name, std::int64_t in_channels, std::int64_t out_channels,
        std::int64_t count, std::int64_t groups)
      : out_channels_(out_channels) {
    for (std::int64_t i = 0; i < count; ++i) {
      resnets_.emplace_back(layers, name + ".resnets." + std::to_string(i),
                            i == 0 ? in_channels : out_channels, out_channels, groups, kEpsilon);
    }
  }

  /// Into a tensor of the arena's innermost scope.
  Tensor forward(Context& context, const Tensor& x) const {
    const Tensor out = context.arena.allocate(with_channels(x.shape, out_channels_));
    Tensor hidden = x;
    for (const ResnetBlock2D& resnet : resnets_) {
      resnet.forward(context, hidden, {}, out);
      hidden = out;
    }
    return out;
  }

 private:
  std::int64_t out_channels_;
  std::vector<ResnetBlock2D> resnets_;
};

/// From an image to the moments (mean and logarithm of the variance) of its latents.
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
    const Arena::Scope scope(context.arena);
    Tensor hidden = context.arena.allocate(with_channels(image.shape, first_channels_));
    context.device.conv2d(image, *conv_in_, {.padding = 1}, hidden);
    for (std::size_t i = 0; i < kLevels; ++i) {
      hidden = levels_[i].forward(context, hidden);
      if (i + 1 < kLevels) {
        const Shape shape = hidden.shape;
        const Tensor out = context.arena.allocate({shape.n, shape.h / 2, shape.w / 2, shape.c});
        // Padded below and right alone, as diffusers does.
        context.device.conv2d(hidden, *downsamplers_[i], {}, out);
        hidden = out;
      }
    }
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
    const Arena::Scope scope(context.arena);
    Tensor hidden = context.arena.allocate(with_channels(latents.shape, first_channels_));
    context.device.conv2d(latents, *conv_in_, {.padding = 1}, hidden);
    mid_block_.forward(context, hidden);
    for (std::size_t i = 0; i < kLevels; ++i) {
      hidden = levels_[i].forward(context, hidden);
      if (i + 1 < kLevels) {
        const Shape shape = hidden.shape;
        const Tensor out = context.arena.allocate({shape.n, shape.h * 2, shape.w * 2, shape.c});
        context.device.conv2d(hidden, *upsamplers_[i], {.padding = 1}, out);
        hidden = out;
      }
    }
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
  Weights quant_conv;  // where the configuration has them, else none
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
