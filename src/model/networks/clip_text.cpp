#include "model/networks/clip_text.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "model/networks/norm.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// transformers' CLIPEncoderLayer: causal self-attention and a two-layer MLP. Each has a layer norm before it
/// and a residual connection.
class EncoderLayer {
 public:
  EncoderLayer(LayerLoader& layers, const std::string& name, const ClipTextConfig& config)
      : heads_(config.num_attention_heads),
        channels_(config.hidden_size),
        intermediate_(config.intermediate_size),
        activation_(config.quick_gelu ? Activation::quick_gelu : Activation::gelu),
        layer_norm1_(layers, name + ".layer_norm1", channels_, config.layer_norm_eps),
        qkv_(layers.linear(
            {name + ".self_attn.q_proj", name + ".self_attn.k_proj", name + ".self_attn.v_proj"}, channels_,
            channels_)),
        out_proj_(layers.linear(name + ".self_attn.out_proj", channels_, channels_)),
        layer_norm2_(layers, name + ".layer_norm2", channels_, config.layer_norm_eps),
        fc1_(layers.linear(name + ".mlp.fc1", channels_, intermediate_)),
        fc2_(layers.linear(name + ".mlp.fc2", intermediate_, channels_)) {}

  /// Transforms `hidden` in place.
  void forward(Context& context, const Tensor& hidden) const {
    const Arena::Scope scope(context.arena);
    const Tensor normed = context.arena.allocate_precise(hidden.shape);
    const Tensor qkv = context.arena.allocate_precise(with_channels(hidden.shape, channels_ * 3));
    const Tensor inner = context.arena.allocate_precise(with_channels(hidden.shape, intermediate_));

    layer_norm1_.forward(context, hidden, normed);
    context.device.linear(normed, *qkv_, {}, qkv);
    const Tensor& attended = normed;  // reuses the buffer: q, k and v are made
    context.device.attention(qkv.channels(0, channels_), qkv.channels(channels_, channels_),
                             qkv.channels(channels_ * 2, channels_), {.heads = heads_, .causal = true},
                             attended);
    context.device.linear(attended, *out_proj_, {.residual = hidden}, hidden);

    layer_norm2_.forward(context, hidden, normed);
    context.device.linear(normed, *fc1_, {.activation = activation_}, inner);
    context.device.linear(inner, *fc2_, {.residual = hidden}, hidden);
  }

 private:
  std::int64_t heads_;
  std::int64_t channels_;
  std::int64_t intermediate_;
  Activation activation_;
  LayerNorm layer_norm1_;
  Weights qkv_;
  Weights out_proj_;
  LayerNorm layer_norm2_;
  Weights fc1_;
  Weights fc2_;
};

/// A table of embeddings that stays in the mapped file, since a prompt needs few of its rows.
class Embedding {
 public:
  Embedding(LayerLoader& layers, const TensorFiles& files, const std::string& name, std::int64_t count,
            std::int64_t channels)
      : files_(files), table_(layers.tensor(name, {count, channels})), channels_(channels) {}

  /// Converts row `index` to float32. Throws Error if it holds NaN or infinity.
  void read(std::int64_t index, std::span<float> out) const {
    const std::size_t bytes = static_cast<std::size_t>(channels_) * size_of(table_.dtype);
    try {
      convert_weights(
          {table_.dtype, {channels_}, table_.bytes.subspan(static_cast<std::size_t>(index) * bytes, bytes)},
          out);
    } catch (const Error& error) {
      throw FileError(files_.where(table_) + ", row " + std::to_string(index) + ": " + error.what());
    }
  }

 private:
  TensorFiles files_;  // keeps the file mapped
  FileTensor table_;
  std::int64_t channels_;
};

}  // namespace

struct ClipText::Impl {
  Impl(const ClipTextConfig& configuration, LayerLoader& loader, const TensorFiles& files, int clip_skip,
       std::span<const float> added);
  [[nodiscard]] std::vector<float> embed(std::span<const std::int64_t> ids) const;

  void read_token(std::int64_t id, std::span<float> out) const;

  ClipTextConfig config;
  std::span<const float> added_embeddings;
  Embedding token_embedding;
  Embedding position_embedding;
  std::vector<EncoderLayer> layers;
  std::size_t layers_used;
  LayerNorm final_layer_norm;
};

ClipText::Impl::Impl(const ClipTextConfig& configuration, LayerLoader& loader, const TensorFiles& files,
                     int clip_skip, std::span<const float> added)
    : config(configuration),
      added_embeddings(added),
      token_embedding(loader, files, "embeddings.token_embedding.weight", config.vocab_size,
                      config.hidden_size),
      position_embedding(loader, files, "embeddings.position_embedding.weight",
                         config.max_position_embeddings, config.hidden_size),
      final_layer_norm(loader, "final_layer_norm", config.hidden_size, config.layer_norm_eps) {
  if (clip_skip < 0 || clip_skip > config.num_hidden_layers) {
    throw ArgumentError("clip skip is " + std::to_string(clip_skip) + ", must be 0 .. " +
                        std::to_string(config.num_hidden_layers) + " for this text encoder");
  }
  if (config.num_attention_heads < 1 || config.hidden_size % config.num_attention_heads != 0) {
    throw FileError(files.where() + ": hidden_size " + std::to_string(config.hidden_size) +
                    " does not divide into " + std::to_string(config.num_attention_heads) +
                    " heads; check num_attention_heads in config.json");
  }
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers.emplace_back(loader, "encoder.layers." + std::to_string(i), config);
  }
  layers_used = layers.size() - static_cast<std::size_t>(clip_skip);
}

void ClipText::Impl::read_token(std::int64_t id, std::span<float> out) const {
  if (id >= 0 && id < config.vocab_size) {
    token_embedding.read(id, out);
    return;
  }
  const auto added = static_cast<std::size_t>(id - config.vocab_size);
  if (id < 0 || added >= added_embeddings.size() / out.size()) {
    throw FileError("token id " + std::to_string(id) + " is not in the text encoder's vocabulary of " +
                    std::to_string(config.vocab_size) + "; the tokenizer belongs to another model");
  }
  std::ranges::copy(added_embeddings.subspan(added * out.size(), out.size()), out.begin());
}

/// Returns the sums of token and position embeddings, [ids][hidden_size].
std::vector<float> ClipText::Impl::embed(std::span<const std::int64_t> ids) const {
  if (std::ssize(ids) > config.max_position_embeddings) {
    throw FileError("a prompt of " + std::to_string(ids.size()) +
                    " tokens is longer than the text encoder's " +
                    std::to_string(config.max_position_embeddings));
  }
  const auto channels = static_cast<std::size_t>(config.hidden_size);
  std::vector<float> sum(ids.size() * channels);
  std::vector<float> position(channels);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::span<float> token = std::span(sum).subspan(i * channels, channels);
    read_token(ids[i], token);
    position_embedding.read(static_cast<std::int64_t>(i), position);
    for (std::size_t c = 0; c < channels; ++c) {
      token[c] += position[c];
    }
  }
  return sum;
}

ClipText::ClipText(const ClipTextConfig& config, LayerLoader& layers, const TensorFiles& files, int clip_skip,
                   std::span<const float> added)
    : impl_(std::make_unique<Impl>(config, layers, files, clip_skip, added)) {
  layers.check_all_used({"embeddings.position_ids"});
}

ClipText::~ClipText() = default;

const ClipTextConfig& ClipText::config() const { return impl_->config; }

void ClipText::forward(Context& context, std::span<const std::int64_t> ids, const Tensor& out) const {
  assert(out.shape.pixels() == std::ssize(ids) && out.shape.c == impl_->config.hidden_size);
  const std::vector<float> embeddings = impl_->embed(ids);
  const Arena::Scope scope(context.arena);
  const Tensor hidden = context.arena.allocate_precise(out.shape);
  context.device.upload(embeddings, hidden);
  for (std::size_t i = 0; i < impl_->layers_used; ++i) {
    impl_->layers[i].forward(context, hidden);
  }
  impl_->final_layer_norm.forward(context, hidden, out);
}

}  // namespace streamdiffusion
