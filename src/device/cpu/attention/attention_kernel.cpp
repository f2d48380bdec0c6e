#include <algorithm>
#include <cmath>
#include <limits>

#include "core/round_up.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/attention_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/simd_math-inl.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

// Keys scored at a time: a tile's scores fit into the first-level cache, a task's (48 KiB) into the second.
constexpr std::size_t kBlock = 256;

std::size_t round_to_lanes(std::size_t n) { return round_up(n, kLanes); }

/// State of an online softmax (Milakov and Gimelshein, arXiv 1805.02867) over the keys seen so far, and
/// buffers of a task. All arrays lie in its scratch memory.
struct OnlineSoftmax {
  float* scores;   // Scores, then softmax weights, of one block of keys: [queries][kBlock].
  float* values;   // Weighted sums of values: [queries][padded head_dim].
  float* highest;  // Highest scaled score of each query.
  float* sum;      // Sum of weights of each query.
  float* product;  // Result of one tile, before it is added to `values`.
  float* queries;  // Copy of bf16 queries in float32: [queries][head_dim].
};

OnlineSoftmax divide_scratch(float* scratch, std::size_t padded) {
  OnlineSoftmax r{};
  r.scores = scratch;
  r.product = r.scores + kAttentionQueries * kBlock;
  r.values = r.product + kMaxTileRows * kPanelColumns;
  r.highest = r.values + kAttentionQueries * padded;
  r.sum = r.highest + kAttentionQueries;
  r.queries = r.sum + kAttentionQueries;
  return r;
}

/// Queries in float32; `stride` floats lie between neighbouring ones.
struct Queries {
  const float* first;
  std::int64_t stride;
};

Queries load_queries(const AttentionTask& t, const OnlineSoftmax& r) {
  if (t.q.type == DType::f32) {
    return {static_cast<const float*>(t.q.data), t.q_stride};
  }
  const std::int64_t dim = t.heads.head_dim;
  for (std::int64_t i = 0; i < t.queries; ++i) {
    for (std::int64_t c = 0; c < dim; ++c) {
      r.queries[i * dim + c] = get(t.q + (i * t.q_stride + c));
    }
  }
  return {r.queries, dim};
}

void score(const AttentionTask& t, const Queries& q, const float* keys, std::size_t first_key,
           std::size_t count, const OnlineSoftmax& r) {
  const auto dim = static_cast<std::size_t>(t.heads.head_dim);
  const auto tokens = static_cast<std::size_t>(t.heads.tokens);
  for (std::size_t column = 0; column < count; column += kPanelColumns) {
    const std::size_t key = first_key + column;
    const int vectors = panel_vectors(key, tokens);
    for_row_tiles(t.queries, vectors, [&](std::int64_t first, int rows) {
      const Run run{q.first + first * q.stride, keys + key * dim, dim};
      tile_function(rows, vectors)({&run, 1, static_cast<std::size_t>(q.stride),
                                    r.scores + static_cast<std::size_t>(first) * kBlock + column, kBlock});
    });
  }
}

/// Turns a query's scores into weights exp(score - highest so far) and updates its highest score and sum.
/// Returns the factor for all earlier weights, whose highest score may have been lower.
float weigh_scores(float* scores, std::size_t count, float scale, float& highest, float& sum) {
  const Tag d;
  const float lowest = -std::numeric_limits<float>::infinity();
  const std::size_t padded = round_to_lanes(count);
  std::fill(scores + count, scores + padded, lowest);
  auto most = hn::Set(d, lowest);
  for (std::size_t i = 0; i < padded; i += kLanes) {
    most = hn::Max(most, hn::Load(d, scores + i));
  }
  const float block_highest = hn::GetLane(hn::MaxOfLanes(d, most)) * scale;
  const float new_highest = std::max(highest, block_highest);
  const auto scales = hn::Set(d, scale);
  const auto offset = hn::Set(d, new_highest);
  auto total = hn::Zero(d);
  for (std::size_t i = 0; i < padded; i += kLanes) {
    const auto weight = exp(d, hn::MulSub(hn::Load(d, scores + i), scales, offset));
    hn::Store(weight, d, scores + i);
    total = hn::Add(total, weight);
  }
  // Padding gets the weight e^-87, as exp() clamps its argument. That is negligible in the sum, which is at
  // least about 1, and values are never multiplied with it.
  const float block_sum = hn::GetLane(hn::SumOfLanes(d, total));
  const float shrink = highest == lowest ? 0.0F : std::exp(highest - new_highest);
  sum = sum * shrink + block_sum;
  highest = new_highest;
  return shrink;
}

/// Scales each query's sums of values by `shrink` and adds this block's values times their weights.
void add_values(const AttentionTask& t, const float* values, std::size_t first_key, std::size_t count,
                const OnlineSoftmax& r, const float* shrink) {
  const Tag d;
  const auto dim = static_cast<std::size_t>(t.heads.head_dim);
  const std::size_t padded = round_to_lanes(dim);
  const auto tokens = static_cast<std::size_t>(t.heads.tokens);
  for (std::size_t column = 0; column < dim; column += kPanelColumns) {
    const int vectors = panel_vectors(column, dim);
    const std::size_t width = static_cast<std::size_t>(vectors) * kLanes;
    const float* panel = values + column * tokens + first_key * width;
    for_row_tiles(t.queries, vectors, [&](std::int64_t first, int rows) {
      const Run run{r.scores + static_cast<std::size_t>(first) * kBlock, panel, count};
      tile_function(rows, vectors)({&run, 1, kBlock, r.product, width});
      for (int i = 0; i < rows; ++i) {
        float* sums = r.values + (static_cast<std::size_t>(first) + i) * padded + column;
        const auto factor = hn::Set(d, shrink[first + i]);
        for (std::size_t c = 0; c < width; c += kLanes) {
          const auto product = hn::Load(d, r.product + static_cast<std::size_t>(i) * width + c);
          hn::StoreU(hn::MulAdd(hn::LoadU(d, sums + c), factor, product), d, sums + c);
        }
      }
    });
  }
}

std::int64_t AttentionScratch(const PackedHeads& heads) {
  const std::size_t padded = round_to_lanes(static_cast<std::size_t>(heads.head_dim));
  return static_cast<std::int64_t>(kAttentionQueries * (kBlock + 2 * padded + 2) +
                                   kMaxTileRows * kPanelColumns);
}

void RunAttentionTask(const AttentionTask& t, float* scratch) {
  const auto dim = static_cast<std::size_t>(t.heads.head_dim);
  const auto tokens = static_cast<std::size_t>(t.heads.tokens);
  const std::size_t padded = round_to_lanes(dim);
  const auto queries = static_cast<std::size_t>(t.queries);
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const OnlineSoftmax r = divide_scratch(scratch, padded);
  const Queries q = load_queries(t, r);
  float shrink[kAttentionQueries];
  std::fill(r.values, r.values + queries * padded, 0.0F);
  std::fill(r.highest, r.highest + queries, -std::numeric_limits<float>::infinity());
  std::fill(r.sum, r.sum + queries, 0.0F);

  for (std::int64_t row = 0; row < t.key_rows; ++row) {
    const float* keys = t.keys + row * t.key_row_stride;
    const float* values = t.values + row * t.value_row_stride;
    for (std::size_t first = 0; first < tokens; first += kBlock) {
      const std::size_t count = std::min(kBlock, tokens - first);
      if (t.causal && first >= static_cast<std::size_t>(t.first_query) + queries) {
        break;
      }
      score(t, q, keys, first, count, r);
      for (std::size_t i = 0; i < queries; ++i) {
        float* scores = r.scores + i * kBlock;
        std::size_t seen = count;
        if (t.causal) {
          const std::size_t position = static_cast<std::size_t>(t.first_query) + i;
          seen = position < first ? 0 : std::min(count, position - first + 1);
        }
        shrink[i] = seen == 0 ? 1.0F : weigh_scores(scores, seen, scale, r.highest[i], r.sum[i]);
        std::fill(scores + seen, scores + count, 0.0F);
      }
      add_values(t, values, first, count, r, shrink);
    }
  }
  for (std::size_t i = 0; i < queries; ++i) {
    const float factor = 1.0F / r.sum[i];
    with_type(t.out + static_cast<std::int64_t>(i) * t.out_stride, [&](auto* out) {
      for (std::size_t c = 0; c < dim; ++c) {
        set(out[c], r.values[i * padded + c] * factor);
      }
    });
  }
}

void PackKeys(const Elements& k, std::int64_t stride, const PackedHeads& heads, float* packed) {
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  for (std::size_t first = 0; first < tokens; first += kPanelColumns) {
    const std::size_t width = static_cast<std::size_t>(panel_vectors(first, tokens)) * kLanes;
    float* panel = packed + first * dim;
    for (std::size_t column = 0; column < width; ++column) {
      const std::size_t token = first + column;
      with_type(k + static_cast<std::int64_t>(token) * stride, [&](const auto* from) {
        for (std::size_t c = 0; c < dim; ++c) {
          panel[c * width + column] = token < tokens ? to_float(from[c]) : 0.0F;
        }
      });
    }
  }
}

void PackValues(const Elements& v, std::int64_t stride, const PackedHeads& heads, float* packed) {
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  for (std::size_t first = 0; first < dim; first += kPanelColumns) {
    const std::size_t width = static_cast<std::size_t>(panel_vectors(first, dim)) * kLanes;
    const std::size_t valid = std::min(width, dim - first);
    float* panel = packed + first * tokens;
    for (std::size_t token = 0; token < tokens; ++token) {
      float* to = panel + token * width;
      with_type(v + (static_cast<std::int64_t>(token) * stride + static_cast<std::int64_t>(first)),
                [&](const auto* from) {
                  for (std::size_t c = 0; c < valid; ++c) {
                    to[c] = to_float(from[c]);
                  }
                });
      std::fill(to + valid, to + width, 0.0F);
    }
  }
}

std::int64_t PaddedToLanes(std::int64_t n) {
  return static_cast<std::int64_t>(round_to_lanes(static_cast<std::size_t>(n)));
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(AttentionScratch);
HWY_EXPORT(RunAttentionTask);
HWY_EXPORT(PackKeys);
HWY_EXPORT(PackValues);
HWY_EXPORT(PaddedToLanes);

std::int64_t PackedHeads::key_floats() const {
  return head_dim * HWY_DYNAMIC_DISPATCH(PaddedToLanes)(tokens);
}
std::int64_t PackedHeads::value_floats() const {
  return tokens * HWY_DYNAMIC_DISPATCH(PaddedToLanes)(head_dim);
}

void pack_keys(const Elements& k, std::int64_t stride, const PackedHeads& heads, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(k, stride, heads, packed);
}
void pack_values(const Elements& v, std::int64_t stride, const PackedHeads& heads, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackValues)(v, stride, heads, packed);
}
std::int64_t attention_scratch(const PackedHeads& heads) {
  return HWY_DYNAMIC_DISPATCH(AttentionScratch)(heads);
}
void attention_task(const AttentionTask& task, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunAttentionTask)(task, scratch);
}

}  // namespace streamdiffusion::cpu
#endif
