#include "model/networks/transformer_2d.h"

#include <algorithm>
#include <array>
#include <span>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr float kLayerNormEpsilon = 1e-5F;
constexpr float kGroupNormEpsilon = 1e-6F;

/// Most rows with the same prompt in one attention call. The limit makes kFirstRow a constant.
constexpr std::size_t kMaxSharedRows = 64;
constexpr std::array<RowRange, kMaxSharedRows> kFirstRow{};  // every row attends to row 0, the prompt's
constexpr std::array<float, kMaxSharedRows> kOnes = [] {
  std::array<float, kMaxSharedRows> ones{};
  ones.fill(1.0F);
  return ones;
}();

/// True if the two rows have the same text and the same image prompt.
bool have_same_prompts(const UNetRows& rows, std::size_t one, std::size_t other) {
  const std::span<const ExtraContext> images = rows.hooks.image_prompts;
  return rows.text[one] == rows.text[other] &&
         (images.empty() || images[one].keys.data() == images[other].keys.data());
}

/// Returns how many rows from `first` on have the same prompts; at most kMaxSharedRows.
std::size_t count_equal(const UNetRows& rows, std::size_t first) {
  const std::size_t end = std::min(rows.text.size(), first + kMaxSharedRows);
  std::size_t last = first + 1;
  while (last < end && have_same_prompts(rows, first, last)) {
    ++last;
  }
  return last - first;
}

}  // namespace

BasicTransformerBlock::BasicTransformerBlock(LayerLoader& layers, TextProjections& text,
                                             const std::string& name, std::int64_t channels,
                                             const TransformerShape& shape)
    : heads_(shape.heads),
      channels_(channels),
      precision_(layers.precision()),
      norm1_(layers, name + ".norm1", channels, kLayerNormEpsilon),
      attn1_qkv_(layers.linear({name + ".attn1.to_q", name + ".attn1.to_k", name + ".attn1.to_v"}, channels,
                               channels, {.bias = false})),
      attn1_out_(layers.linear(name + ".attn1.to_out.0", channels, channels)),
      norm2_(layers, name + ".norm2", channels, kLayerNormEpsilon),
      attn2_q_(layers.linear(name + ".attn2.to_q", channels, channels, {.bias = false})),
      index_(text.add(layers, name + ".attn2", shape.cross_attention_dim, channels)),
      attn2_out_(layers.linear(name + ".attn2.to_out.0", channels, channels)),
      norm3_(layers, name + ".norm3", channels, kLayerNormEpsilon),
      ff_in_(layers.linear(name + ".ff.net.0.proj", channels, channels * 8, {.geglu = true})),
      ff_out_(layers.linear(name + ".ff.net.2", channels * 4, channels)) {
  if (heads_ < 1 || channels % heads_ != 0) {
    throw FileError(name + ": " + std::to_string(channels) + " channels do not divide into " +
                    std::to_string(heads_) +
                    " heads; check attention_head_dim in the config.json beside the weights");
  }
}

void BasicTransformerBlock::forward(Context& context, const UNetRows& rows, const Tensor& hidden) const {
  const Arena::Scope scope(context.arena);
  const Tensor normed = context.arena.allocate(hidden.shape);
  norm1_.forward(context, hidden, normed);
  self_attention(context, rows, hidden, normed);
  norm2_.forward(context, hidden, normed);
  cross_attention(context, rows, hidden, normed);
  norm3_.forward(context, hidden, normed);
  feed_forward(context, hidden, normed);
}

void BasicTransformerBlock::self_attention(Context& context, const UNetRows& rows, const Tensor& hidden,
                                           const Tensor& normed) const {
  const Arena::Scope scope(context.arena);
  const Tensor qkv = context.arena.allocate(with_channels(hidden.shape, channels_ * 3));
  context.device.linear(normed, *attn1_qkv_, {}, qkv);
  const Tensor& attended = normed;  // reuses the buffer: q, k and v are made
  if (rows.hooks.feature_banks.empty()) {
    context.device.attention(qkv.channels(0, channels_), qkv.channels(channels_, channels_),
                             qkv.channels(channels_ * 2, channels_),
                             {.heads = heads_, .key_rows = rows.self_attention, .precision = precision_},
                             attended);
  } else {
    attend_with_banks(context, rows, qkv, attended);
  }
  context.device.linear(attended, *attn1_out_, {.residual = hidden}, hidden);
}

/// Computes self-attention row by row, each with the keys and values of its feature bank behind its own.
void BasicTransformerBlock::attend_with_banks(Context& context, const UNetRows& rows, const Tensor& qkv,
                                              const Tensor& attended) const {
  const Tensor keys_and_values = qkv.channels(channels_, channels_ * 2);
  const std::int64_t tokens = qkv.shape.h * qkv.shape.w;
  for (std::int64_t row = 0; row < qkv.shape.n; ++row) {
    const auto index = static_cast<std::size_t>(row);
    const RowRange seen = rows.self_attention.empty() ? RowRange{row, 1} : rows.self_attention[index];
    const ExtraContext& bank = rows.hooks.feature_banks[index];
    const std::int64_t own = seen.count * tokens;
    const std::int64_t extra = bank.keys.empty() ? 0 : bank.keys[index_].shape.pixels();
    const Arena::Scope scope(context.arena);
    const Tensor all = context.arena.allocate({.w = own + extra, .c = channels_ * 2});
    context.device.copy(keys_and_values.pixels(seen.first * tokens, own), all.pixels(0, own));
    if (extra > 0) {
      const Tensor banked = all.pixels(own, extra);
      context.device.copy(bank.keys[index_], banked.channels(0, channels_));
      context.device.copy(bank.values[index_], banked.channels(channels_, channels_));
    }
    context.device.attention(qkv.rows(row, 1).channels(0, channels_), all.channels(0, channels_),
                             all.channels(channels_, channels_), {.heads = heads_, .precision = precision_},
                             attended.rows(row, 1));
  }
}

void BasicTransformerBlock::cross_attention(Context& context, const UNetRows& rows, const Tensor& hidden,
                                            const Tensor& normed) const {
  const Arena::Scope scope(context.arena);
  const Tensor queries = context.arena.allocate(hidden.shape);
  context.device.linear(normed, *attn2_q_, {}, queries);
  const Tensor& attended = normed;
  for (std::size_t row = 0; row < rows.text.size();) {
    const TextContext& text = *rows.text[row];
    const std::size_t count = count_equal(rows, row);
    const auto first = static_cast<std::int64_t>(row);
    const auto rows_here = static_cast<std::int64_t>(count);
    context.device.attention(
        queries.rows(first, rows_here), text.keys[index_], text.values[index_],
        {.heads = heads_, .key_rows = std::span(kFirstRow).first(count), .precision = precision_},
        attended.rows(first, rows_here));
    if (!rows.hooks.image_prompts.empty()) {
      add_image_prompt(context, rows, row, queries.rows(first, rows_here), attended.rows(first, rows_here));
    }
    row += count;
  }
  context.device.linear(attended, *attn2_out_, {.residual = hidden}, hidden);
}

/// Adds the attention to an image prompt, which all of these rows share. The first of them is `first_row`.
void BasicTransformerBlock::add_image_prompt(Context& context, const UNetRows& rows, std::size_t first_row,
                                             const Tensor& queries, const Tensor& attended) const {
  const ExtraContext& image = rows.hooks.image_prompts[first_row];
  if (image.keys.empty()) {
    return;
  }
  const auto count = static_cast<std::size_t>(queries.shape.n);
  const Arena::Scope scope(context.arena);
  const Tensor to_image = context.arena.allocate(queries.shape);
  context.device.attention(
      queries, image.keys[index_], image.values[index_],
      {.heads = heads_, .key_rows = std::span(kFirstRow).first(count), .precision = precision_}, to_image);
  context.device.combine(attended, std::span(kOnes).first(count), to_image,
                         rows.hooks.image_scales.subspan(first_row, count), attended);
}

void BasicTransformerBlock::feed_forward(Context& context, const Tensor& hidden, const Tensor& normed) const {
  const Arena::Scope scope(context.arena);
  const Tensor inner = context.arena.allocate(with_channels(hidden.shape, channels_ * 4));
  context.device.linear(normed, *ff_in_, {}, inner);
  context.device.linear(inner, *ff_out_, {.residual = hidden}, hidden);
}

Transformer2D::Transformer2D(LayerLoader& layers, TextProjections& text, const std::string& name,
                             std::int64_t channels, std::int64_t groups, const TransformerShape& shape)
    : norm_(layers, name + ".norm", channels, groups, kGroupNormEpsilon),
      proj_in_(layers.linear(name + ".proj_in", channels, channels)),
      proj_out_(layers.linear(name + ".proj_out", channels, channels)) {
  for (std::int64_t i = 0; i < shape.num_layers; ++i) {
    blocks_.emplace_back(layers, text, name + ".transformer_blocks." + std::to_string(i), channels, shape);
  }
}

void Transformer2D::forward(Context& context, const UNetRows& rows, const Tensor& x,
                            const Tensor& out) const {
  const Arena::Scope scope(context.arena);
  const Tensor hidden = context.arena.allocate(x.shape);
  {
    const Arena::Scope normed_scope(context.arena);
    const Tensor normed = context.arena.allocate(x.shape);
    norm_.forward(context, x, Activation::none, normed);
    context.device.linear(normed, *proj_in_, {}, hidden);
  }
  for (const BasicTransformerBlock& block : blocks_) {
    block.forward(context, rows, hidden);
  }
  context.device.linear(hidden, *proj_out_, {.residual = x}, out);
}

}  // namespace streamdiffusion
