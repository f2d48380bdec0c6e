#include "model/networks/time_embedding.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

constexpr float kMaxPeriod = 10000.0F;

/// Returns sines and cosines of x * exp(exponent(i)) for i < dim / 2. If `dim` is odd, the last value is 0.
template <typename Exponent>
std::vector<float> sinusoids(float x, std::int64_t dim, bool cosines_first, Exponent exponent) {
  const std::int64_t half = dim / 2;
  std::vector<float> embedding(static_cast<std::size_t>(dim), 0.0F);
  for (std::int64_t i = 0; i < half; ++i) {
    const float angle = x * std::exp(exponent(static_cast<float>(i)));
    embedding[static_cast<std::size_t>(cosines_first ? half + i : i)] = std::sin(angle);
    embedding[static_cast<std::size_t>(cosines_first ? i : half + i)] = std::cos(angle);
  }
  return embedding;
}

Tensor upload_rows(Context& context, std::int64_t rows, std::int64_t channels,
                   const std::vector<float>& values) {
  const Tensor tensor = context.arena.allocate_precise({.n = rows, .c = channels});
  context.device.upload(values, tensor);
  return tensor;
}

}  // namespace

// Both functions keep PyTorch's order of operations and its rounding to float32, to give the same results.
std::vector<float> timestep_embedding(float timestep, std::int64_t dim, bool flip_sin_to_cos,
                                      std::int64_t freq_shift) {
  const std::int64_t half = dim / 2;
  const auto steps = static_cast<float>(half - freq_shift);
  return sinusoids(timestep, dim, flip_sin_to_cos,
                   [&](float i) { return -std::log(kMaxPeriod) * i / steps; });
}

std::vector<float> guidance_scale_embedding(float guidance, std::int64_t dim) {
  const std::int64_t half = dim / 2;
  const float step = std::log(kMaxPeriod) / static_cast<float>(half - 1);
  return sinusoids(guidance * 1000.0F, dim, false, [&](float i) { return i * -step; });
}

TimeEmbedding::TimeEmbedding(const UNet2DConditionConfig& config, LayerLoader& layers)
    : sinusoids_(config.block_out_channels.front()),
      dim_(sinusoids_ * 4),
      flip_sin_to_cos_(config.flip_sin_to_cos),
      freq_shift_(config.freq_shift),
      cond_dim_(config.time_cond_proj_dim),
      linear_1_(layers.linear("time_embedding.linear_1", sinusoids_, dim_, {.keeps_f32 = true})),
      linear_2_(layers.linear("time_embedding.linear_2", dim_, dim_, {.keeps_f32 = true})) {
  if (cond_dim_ > 0) {
    cond_proj_ =
        layers.linear("time_embedding.cond_proj", cond_dim_, sinusoids_, {.bias = false, .keeps_f32 = true});
  }
}

std::int64_t TimeEmbedding::add_projection(LayerLoader& layers, const std::string& name,
                                           std::int64_t channels) {
  const std::int64_t first = width_;
  projections_.push_back({layers.linear(name, dim_, channels, {.keeps_f32 = true}), first, channels});
  width_ += channels;
  return first;
}

void TimeEmbedding::forward(Context& context, std::span<const float> timesteps, std::optional<float> guidance,
                            const Tensor& out) const {
  const auto rows = static_cast<std::int64_t>(timesteps.size());
  assert(out.shape.n == rows && out.shape.c == width_);
  if (guidance && !cond_proj_) {
    throw FileError("this model takes no guidance embedding: its UNet has no time_cond_proj_dim");
  }
  const Arena::Scope scope(context.arena);
  std::vector<float> values;
  for (const float timestep : timesteps) {
    std::ranges::copy(timestep_embedding(timestep, sinusoids_, flip_sin_to_cos_, freq_shift_),
                      std::back_inserter(values));
  }
  const Tensor sample = upload_rows(context, rows, sinusoids_, values);
  if (guidance) {
    values.clear();
    for (std::int64_t row = 0; row < rows; ++row) {
      std::ranges::copy(guidance_scale_embedding(*guidance, cond_dim_), std::back_inserter(values));
    }
    const Tensor condition = upload_rows(context, rows, cond_dim_, values);
    context.device.linear(condition, *cond_proj_, {.residual = sample}, sample);
  }

  const Tensor hidden = context.arena.allocate_precise({.n = rows, .c = dim_});
  const Tensor embedding = context.arena.allocate_precise({.n = rows, .c = dim_});
  context.device.linear(sample, *linear_1_, {.activation = Activation::silu}, hidden);
  // Every resnet applies SiLU to the embedding; this does it once for all.
  context.device.linear(hidden, *linear_2_, {.activation = Activation::silu}, embedding);
  for (const Projection& projection : projections_) {
    context.device.linear(embedding, *projection.weights, {},
                          out.channels(projection.first, projection.channels));
  }
}

}  // namespace streamdiffusion
