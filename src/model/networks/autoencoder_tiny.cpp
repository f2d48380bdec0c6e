#include "model/networks/autoencoder_tiny.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/networks/joined_conv2d.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr std::size_t kStages = 4;  // neighbouring stages differ by a factor of 2: 8 in all
constexpr float kLatentMagnitude = 3.0F;

/// diffusers' AutoencoderTinyBlock: three convolutions with a residual connection.
class AutoencoderTinyBlock {
 public:
  AutoencoderTinyBlock(LayerLoader& layers, const std::string& name, std::int64_t channels)
      : conv0_(layers.conv2d(name + ".conv.0", channels, channels, 3)),
        conv2_(layers.conv2d(name + ".conv.2", channels, channels, 3)),
        conv4_(layers.conv2d(name + ".conv.4", channels, channels, 3)) {}

  void forward(Context& context, const Tensor& x, const Tensor& spare, const Tensor& out) const {
    const Conv2dOptions plain{.padding = 1, .activation = Activation::relu};
    // The first result shares the last one's buffer: less memory stays in the caches better.
    const Conv2dStep steps[] = {
        {conv0_.get(), plain, out},
        {conv2_.get(), plain, spare},
        {conv4_.get(), {.padding = 1, .residual = x, .activation = Activation::relu}, out},
    };
    context.device.conv2d_chain(x, steps);
  }

 private:
  Weights conv0_;
  Weights conv2_;
  Weights conv4_;
};

/// Buffers that the stages use in turn, each of the largest stage's shape.
struct StageBuffers {
  StageBuffers(Context& context, const Shape& largest)
      : hidden(context.arena.allocate(largest)),
        next(context.arena.allocate(largest)),
        spare(context.arena.allocate(largest)) {}

  Tensor hidden;  ///< The latest result.
  Tensor next;    ///< The output of the current block.
  Tensor spare;   ///< Scratch memory inside a block.
};

/// The convolution that leads to one resolution, and the blocks of that resolution.
struct Stage {
  /// Returns the result as a tensor of `shape` in `buffers.hidden`. `x` may be in `buffers.hidden` too.
  Tensor forward(Context& context, const Tensor& x, const Shape& shape, StageBuffers& buffers) const;

  std::int64_t divisor = 1;  ///< Ratio of the image's sides to those of this stage.
  Weights conv;
  Activation activation = Activation::none;  ///< Activation after the convolution.
  /// If set, replaces `conv` and the convolution before it.
  std::optional<JoinedConv2d> joined;
  std::vector<AutoencoderTinyBlock> blocks;
};

Tensor Stage::forward(Context& context, const Tensor& x, const Shape& shape, StageBuffers& buffers) const {
  std::swap(buffers.hidden, buffers.next);
  Tensor hidden = buffers.hidden.shaped(shape);
  if (joined) {
    joined->forward(context, x, hidden);
  } else {
    context.device.conv2d(x, *conv, {.padding = 1, .activation = activation}, hidden);
  }
  for (const AutoencoderTinyBlock& block : blocks) {
    const Tensor next = buffers.next.shaped(shape);
    block.forward(context, hidden, buffers.spare.shaped(shape), next);
    std::swap(buffers.hidden, buffers.next);
    hidden = next;
  }
  return hidden;
}

/// Returns the number of channels, which must be the same for all stages. Throws Error otherwise.
std::int64_t stage_channels(const std::vector<std::int64_t>& channels,
                            const std::vector<std::int64_t>& blocks, const std::string& field) {
  if (channels.size() != kStages || blocks.size() != kStages ||
      std::ranges::any_of(channels, [&](std::int64_t one) { return one != channels.front(); })) {
    throw FileError("AutoencoderTiny: " + field +
                    " must be four equal numbers of channels with four numbers of blocks; " +
                    "check the autoencoder's config.json");
  }
  return channels.front();
}

/// Generates the names of a torch.nn.Sequential's layers in order: "encoder.layers.0", "encoder.layers.1" ...
class SequentialNames {
 public:
  explicit SequentialNames(std::string prefix) : prefix_(std::move(prefix)) {}
  std::string next() { return prefix_ + std::to_string(index_++); }
  /// Skips a layer without weights.
  void skip() { ++index_; }

 private:
  std::string prefix_;
  int index_ = 0;
};

std::vector<AutoencoderTinyBlock> make_blocks(LayerLoader& layers, SequentialNames& names, std::int64_t count,
                                              std::int64_t channels) {
  std::vector<AutoencoderTinyBlock> blocks;
  for (std::int64_t i = 0; i < count; ++i) {
    blocks.emplace_back(layers, names.next(), channels);
  }
  return blocks;
}

NamedConv2d next_conv(SequentialNames& names, std::int64_t in, std::int64_t out,
                      const LayerOptions& options) {
  return {.name = names.next(), .in = in, .out = out, .options = options};
}

Weights load(LayerLoader& layers, const NamedConv2d& conv) {
  return layers.conv2d(conv.name, conv.in, conv.out, 3, conv.options);
}

/// Returns [n, h / divisor, w / divisor, channels] for an image [n, h, w, 3].
Shape scaled(Shape shape, std::int64_t divisor, std::int64_t channels) {
  return {shape.n, shape.h / divisor, shape.w / divisor, channels};
}

class AutoencoderTiny final : public Autoencoder {
 public:
  AutoencoderTiny(const AutoencoderTinyConfig& config, LayerLoader& layers)
      : config_(config),
        encoder_channels_(stage_channels(config.encoder_block_out_channels, config.num_encoder_blocks,
                                         "encoder_block_out_channels")),
        decoder_channels_(stage_channels(config.decoder_block_out_channels, config.num_decoder_blocks,
                                         "decoder_block_out_channels")) {
    make_encoder(layers);
    make_decoder(layers);
    layers.check_all_used();
  }

  [[nodiscard]] PixelRange encode_range() const override { return {1.0F, 0.0F}; }
  void encode(Context& context, const Tensor& image, const Tensor& latents) const override;
  void decode(Context& context, const Tensor& latents, const Tensor& image) const override;

 private:
  void make_encoder(LayerLoader& layers);
  void make_decoder(LayerLoader& layers);

  AutoencoderTinyConfig config_;
  std::int64_t encoder_channels_;
  std::int64_t decoder_channels_;
  std::vector<Stage> encoder_;
  Weights encoder_out_;
  std::vector<Stage> decoder_;
  Weights decoder_out_;
  /// If set, replaces `decoder_out_` and the convolution before it.
  std::optional<JoinedConv2d> decoder_joined_out_;
};

// If the full-resolution stage has no blocks, its convolution directly follows or precedes that of the next
// stage. These two are joined.

void AutoencoderTiny::make_encoder(LayerLoader& layers) {
  SequentialNames names("encoder.layers.");
  const NamedConv2d in = next_conv(names, config_.in_channels, encoder_channels_, {});
  const bool joins = config_.num_encoder_blocks.front() == 0;
  for (std::size_t i = joins ? 1 : 0; i < kStages; ++i) {
    Stage stage;
    stage.divisor = std::int64_t{1} << i;
    const NamedConv2d conv = i == 0 ? in
                                    : next_conv(names, encoder_channels_, encoder_channels_,
                                                {.bias = false, .resample = Resample::down});
    if (joins && i == 1) {
      stage.joined.emplace(layers, in, conv);
    } else {
      stage.conv = load(layers, conv);
    }
    stage.blocks = make_blocks(layers, names, config_.num_encoder_blocks[i], encoder_channels_);
    encoder_.push_back(std::move(stage));
  }
  encoder_out_ = layers.conv2d(names.next(), encoder_channels_, config_.latent_channels, 3);
}

void AutoencoderTiny::make_decoder(LayerLoader& layers) {
  SequentialNames names("decoder.layers.");
  for (std::size_t i = 0; i < kStages; ++i) {
    const std::int64_t blocks = config_.num_decoder_blocks[i];
    Stage stage;
    stage.divisor = std::int64_t{1} << (kStages - 1 - i);
    const bool last = i + 1 == kStages;
    const NamedConv2d conv =
        i == 0 ? next_conv(names, config_.latent_channels, decoder_channels_, {})
               : next_conv(names, decoder_channels_, decoder_channels_,
                           {.bias = false, .resample = Resample::up, .is_visible_output = last});
    if (i == 0) {
      stage.activation = Activation::relu;
      names.skip();
    }
    if (last && blocks == 0) {
      const NamedConv2d out = next_conv(names, decoder_channels_, config_.out_channels, {});
      decoder_joined_out_.emplace(layers, conv, out);
      return;
    }
    stage.conv = load(layers, conv);
    stage.blocks = make_blocks(layers, names, blocks, decoder_channels_);
    decoder_.push_back(std::move(stage));
    if (!last) {
      names.skip();  // Upsample
    }
  }
  decoder_out_ = layers.conv2d(names.next(), decoder_channels_, config_.out_channels, 3);
}

void AutoencoderTiny::encode(Context& context, const Tensor& image, const Tensor& latents) const {
  const Arena::Scope scope(context.arena);
  const auto shape = [&](const Stage& stage) {
    return scaled(image.shape, stage.divisor, encoder_channels_);
  };
  StageBuffers buffers(context, shape(encoder_.front()));
  Tensor hidden = image;
  for (const Stage& stage : encoder_) {
    hidden = stage.forward(context, hidden, shape(stage), buffers);
  }
  context.device.conv2d(hidden, *encoder_out_, {.padding = 1}, latents);
  if (config_.scaling_factor != 1.0F) {
    context.device.map(latents, 1.0F, Activation::none, config_.scaling_factor, 0.0F, latents);
  }
}

void AutoencoderTiny::decode(Context& context, const Tensor& latents, const Tensor& image) const {
  const Arena::Scope scope(context.arena);
  const auto shape = [&](const Stage& stage) {
    return scaled(image.shape, stage.divisor, decoder_channels_);
  };
  StageBuffers buffers(context, shape(decoder_.back()));
  Tensor hidden = context.arena.allocate(latents.shape);
  context.device.map(latents, 1.0F / (kLatentMagnitude * config_.scaling_factor), Activation::tanh,
                     kLatentMagnitude, 0.0F, hidden);
  for (const Stage& stage : decoder_) {
    hidden = stage.forward(context, hidden, shape(stage), buffers);
  }
  if (decoder_joined_out_) {
    decoder_joined_out_->forward(context, hidden, image);
  } else {
    context.device.conv2d(hidden, *decoder_out_, {.padding = 1}, image);
  }
  context.device.map(image, 1.0F, Activation::none, 2.0F, -1.0F, image);  // from 0 .. 1 to -1 .. 1
}

}  // namespace

std::unique_ptr<Autoencoder> make_autoencoder(const AutoencoderTinyConfig& config, LayerLoader& layers) {
  return std::make_unique<AutoencoderTiny>(config, layers);
}

}  // namespace streamdiffusion
