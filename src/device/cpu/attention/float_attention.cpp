#include "device/cpu/attention/float_attention.h"

#include <algorithm>
#include <cmath>

#include "core/round_up.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/float_attention.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/attention/online_softmax-inl.h"
#include "device/cpu/simd/simd_math-inl.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

// Keys scored at a time: a tile's scores fit into the first-level cache, a task's (48 KiB) into the second.
constexpr std::size_t kBlock = 256;

std::size_t round_to_lanes(std::size_t n) { return round_up(n, kLanes); }

/// The buffers of a task, in its scratch memory.
struct Buffers {
  OnlineSoftmax softmax;
  float* scores;   // Scores, then softmax weights, of one block of keys: [query][kBlock].
  float* product;  // Result of one tile, before it is added to the softmax's values.
  float* queries;  // Copy of bf16 queries in float32: [query][head_dim].
};

Buffers divide_scratch(float* scratch, std::int64_t queries, std::size_t head_dim) {
  constexpr std::int64_t kMost = FloatHeads::kMostQueries;
  const std::size_t padded = round_to_lanes(head_dim);
  float* const product = scratch + kMost * kBlock;
  float* const values = product + kMaxTileRows * kPanelColumns;
  float* const highest = values + kMost * padded;
  return {.softmax = {.values = values,
                      .highest = highest,
                      .sum = highest + kMost,
                      .queries = queries,
                      .columns = static_cast<std::int64_t>(padded)},
          .scores = scratch,
          .product = product,
          .queries = highest + 2 * kMost};
}

std::int64_t AttentionScratch(const FloatHeads& heads) {
  const std::size_t padded = round_to_lanes(static_cast<std::size_t>(heads.head_dim));
  return static_cast<std::int64_t>(FloatHeads::kMostQueries * (kBlock + 2 * padded + 2) +
                                   kMaxTileRows * kPanelColumns);
}

/// Queries in float32; `stride` floats lie between neighbouring ones.
struct Queries {
  const float* first;
  std::int64_t stride;
};

Queries load_queries(const AttentionTask& t, std::int64_t head_dim, float* copy) {
  if (t.q.type == DType::f32) {
    return {static_cast<const float*>(t.q.data), t.q_stride};
  }
  for (std::int64_t i = 0; i < t.queries; ++i) {
    for (std::int64_t c = 0; c < head_dim; ++c) {
      copy[i * head_dim + c] = get(t.q + (i * t.q_stride + c));
    }
  }
  return {copy, head_dim};
}

/// Neighbouring keys of one row.
struct KeyBlock {
  std::size_t first;
  std::size_t count;
};

void score(const FloatHeads& heads, const Queries& q, const float* keys, const KeyBlock& block,
           const Buffers& buffers) {
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  for (std::size_t column = 0; column < block.count; column += kPanelColumns) {
    const std::size_t key = block.first + column;
    const int vectors = panel_vectors(key, tokens);
    for_row_tiles(buffers.softmax.queries, vectors, [&](std::int64_t first, int rows) {
      const Run run{q.first + first * q.stride, keys + key * dim, dim};
      tile_function(rows,
                    vectors)({&run, 1, static_cast<std::size_t>(q.stride),
                              buffers.scores + static_cast<std::size_t>(first) * kBlock + column, kBlock});
    });
  }
}

/// Softmax weights of a query, for OnlineSoftmax::weigh. They replace its scores.
struct FloatWeights {
  static constexpr std::int64_t kMultiple = kLanes;
  float* first;

  HWY_INLINE static hn::Vec<Tag> exponential(hn::Vec<Tag> x) { return exp(Tag(), x); }
  HWY_INLINE static float exponential(float x) { return std::exp(x); }

  HWY_INLINE hn::Vec<Tag> store(hn::Vec<Tag> weights, std::int64_t i) const {
    hn::Store(weights, Tag(), first + i);
    return weights;
  }
};

/// Turns the scores of a block of keys into softmax weights, 0 for keys that the causal mask hides. Sets
/// shrink[i] to the factor that query i's earlier weights shrink by.
void weigh_block(const AttentionTask& t, float scale, const KeyBlock& block, const Buffers& buffers,
                 float* shrink) {
  for (std::int64_t i = 0; i < t.queries; ++i) {
    float* const scores = buffers.scores + i * static_cast<std::int64_t>(kBlock);
    std::size_t seen = block.count;
    if (t.causal) {
      const auto position = static_cast<std::size_t>(t.first_query + i);
      seen = position < block.first ? 0 : std::min(block.count, position - block.first + 1);
    }
    shrink[i] = 1.0F;
    if (seen > 0) {
      const Scores<float> visible{scores, static_cast<std::int64_t>(seen), scale, 0.0F};
      shrink[i] = buffers.softmax.weigh(i, visible, FloatWeights{scores});
    }
    std::fill(scores + seen, scores + block.count, 0.0F);
  }
}

/// Multiplies each query's sums of values by `shrink` and adds a block's values times their weights.
void add_values(const FloatHeads& heads, const float* values, const KeyBlock& block, const Buffers& buffers,
                const float* shrink) {
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  for (std::size_t column = 0; column < dim; column += kPanelColumns) {
    const int vectors = panel_vectors(column, dim);
    const std::size_t width = static_cast<std::size_t>(vectors) * kLanes;
    const float* const panel = values + column * tokens + block.first * width;
    for_row_tiles(buffers.softmax.queries, vectors, [&](std::int64_t first, int rows) {
      const Run run{buffers.scores + static_cast<std::size_t>(first) * kBlock, panel, block.count};
      tile_function(rows, vectors)({&run, 1, kBlock, buffers.product, width});
      for (int i = 0; i < rows; ++i) {
        const float* const product = buffers.product + static_cast<std::size_t>(i) * width;
        buffers.softmax.add(first + i, static_cast<std::int64_t>(column), static_cast<std::int64_t>(width),
                            shrink[first + i], [&](std::int64_t c) { return hn::Load(Tag(), product + c); });
      }
    });
  }
}

void RunAttentionTask(const AttentionTask& t, const FloatHeads& heads, float* scratch) {
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  const float scale = 1.0F / std::sqrt(static_cast<float>(dim));
  const Buffers buffers = divide_scratch(scratch, t.queries, dim);
  const Queries q = load_queries(t, heads.head_dim, buffers.queries);
  buffers.softmax.clear();
  for (std::int64_t row = 0; row < t.key_rows; ++row) {
    const auto* const keys = reinterpret_cast<const float*>(t.keys + row * t.row_bytes);
    const auto* const values = reinterpret_cast<const float*>(t.values + row * t.row_bytes);
    for (std::size_t first = 0; first < tokens; first += kBlock) {
      if (t.causal && first >= static_cast<std::size_t>(t.first_query + t.queries)) {
        break;
      }
      const KeyBlock block{first, std::min(kBlock, tokens - first)};
      float shrink[FloatHeads::kMostQueries];
      score(heads, q, keys, block, buffers);
      weigh_block(t, scale, block, buffers, shrink);
      add_values(heads, values, block, buffers, shrink);
    }
  }
  buffers.softmax.write(heads.head_dim, t.out, t.out_stride);
}

void PackKeys(const Elements& k, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed) {
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  for (std::size_t first = 0; first < tokens; first += kPanelColumns) {
    const std::size_t width = static_cast<std::size_t>(panel_vectors(first, tokens)) * kLanes;
    float* const panel = reinterpret_cast<float*>(packed) + first * dim;
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

void PackValues(const Elements& v, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed) {
  const auto tokens = static_cast<std::size_t>(heads.tokens);
  const auto dim = static_cast<std::size_t>(heads.head_dim);
  for (std::size_t first = 0; first < dim; first += kPanelColumns) {
    const std::size_t width = static_cast<std::size_t>(panel_vectors(first, dim)) * kLanes;
    const std::size_t valid = std::min(width, dim - first);
    float* const panel = reinterpret_cast<float*>(packed) + first * tokens;
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

namespace {

/// Returns the bytes of `rows` rows of so many floats, padded to whole vectors.
std::int64_t padded_bytes(std::int64_t rows, std::int64_t floats) {
  return rows * HWY_DYNAMIC_DISPATCH(PaddedToLanes)(floats) * std::int64_t{sizeof(float)};
}

}  // namespace

std::int64_t FloatHeads::key_bytes() const { return padded_bytes(head_dim, tokens); }
std::int64_t FloatHeads::value_bytes() const { return padded_bytes(tokens, head_dim); }

void pack_keys(const Elements& k, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(k, stride, heads, packed);
}
void pack_values(const Elements& v, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackValues)(v, stride, heads, packed);
}
std::int64_t attention_scratch(const FloatHeads& heads) {
  return HWY_DYNAMIC_DISPATCH(AttentionScratch)(heads);
}
void attention_task(const AttentionTask& task, const FloatHeads& heads, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunAttentionTask)(task, heads, scratch);
}

}  // namespace streamdiffusion::cpu
#endif
