#include "device/cpu/attention/reduced_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <optional>

#include "core/round_up.h"
#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/simd/amx.h"
#include "device/cpu/simd/vnni_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/reduced_attention.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/attention/online_softmax-inl.h"
#include "device/cpu/attention/reduced_heads-inl.h"
#include "device/cpu/attention/reduced_softmax-inl.h"
#include "device/cpu/simd/simd_load-inl.h"
#include "device/cpu/simd/unit-tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

// The int32 sum of a block's int16 products does not overflow.
static_assert(kAddedValues * static_cast<std::int64_t>(kLargestValue * kLargestSoftmaxWeight) <
              std::int64_t{1} << 31U);

/// Floats of scratch memory for a query in the keys' format, padded to whole vectors.
std::int64_t query_floats(const ReducedHeads& heads) {
  return round_up(key_row_bytes(heads), static_cast<std::int64_t>(kLanes) * kPair) /
         std::int64_t{sizeof(float)};
}

/// The buffers of a task, in its scratch memory: [query] or [query][...].
struct Buffers {
  OnlineSoftmax softmax;
  float* scores;          // [kReducedKeys]: scores of one block of keys, float32 or int32.
  float* product;         // [padded head_dim]: weighted values of the block, float32 or int32.
  std::uint8_t* queries;  // [channels]: queries in the keys' format.
  std::uint8_t* weights;  // [kReducedKeys]: softmax weights of the block in the values' format.
  float* steps;           // Scales of int8 queries.
  float* offsets;         // Sums of int8 queries, which correct for the keys' zero point.
  float* means;           // Products of the queries with the mean of the keys.
};

Buffers divide_scratch(float* scratch, std::int64_t queries, const ReducedHeads& heads) {
  float* next = scratch;
  const auto take = [&](std::int64_t each) {
    float* const taken = next;
    next += ReducedHeads::kMostQueries * each;
    return taken;
  };
  const auto bytes = [](float* numbers) { return reinterpret_cast<std::uint8_t*>(numbers); };
  const std::int64_t columns = value_columns(heads);
  Buffers buffers{};
  buffers.scores = take(kReducedKeys);
  buffers.product = take(columns);
  buffers.softmax.values = take(columns);
  buffers.queries = bytes(take(query_floats(heads)));
  buffers.weights = bytes(take(kReducedKeys / kPair));
  buffers.softmax.highest = take(1);
  buffers.softmax.sum = take(1);
  buffers.softmax.queries = queries;
  buffers.softmax.columns = columns;
  buffers.steps = take(1);
  buffers.offsets = take(1);
  buffers.means = take(1);
  return buffers;
}

std::int64_t AttentionScratch(const ReducedHeads& heads) {
  return ReducedHeads::kMostQueries *
         (kReducedKeys + 2 * value_columns(heads) + query_floats(heads) + kReducedKeys / kPair + 5);
}

/// A matrix product: sums [rows][columns] = x * panels. In int8, x is signed and the panels are unsigned.
struct Product {
  Format format;
  std::int64_t rows;
  const std::uint8_t* x;
  std::int64_t x_stride;  // Bytes from row to row of `x`.
  const std::uint8_t* panels;
  std::int64_t columns;    // A multiple of a vector.
  std::int64_t row_bytes;  // Bytes of the inner dimension: a multiple of a step.
  float* sums;             // float32 for bf16, else int32.
  Features features;
};

void multiply_in_tiles(const Product& p) {
  amx_multiply({.type = AmxType::bf16,
                .x = p.x,
                .x_stride = static_cast<std::size_t>(p.x_stride),
                .weights = reinterpret_cast<const std::int8_t*>(p.panels),
                .weight_row = static_cast<std::size_t>(kAmxTile * kUnit),
                .weight_line = 0,
                .weight_tile = static_cast<std::size_t>(kAmxTile * p.row_bytes),
                .columns = static_cast<std::size_t>(p.columns),
                .lines = 1,
                .steps = static_cast<std::size_t>(p.row_bytes / kAmxStep),
                .rows = static_cast<std::size_t>(p.rows),
                .sums = p.sums});
}

void multiply_in_vectors(const Product& p) {
  const auto columns = static_cast<std::size_t>(p.columns);
  for (std::size_t column = 0; column < columns; column += kPanelColumns) {
    const int vectors = panel_vectors(column, columns);
    const UnitTile tile{.x = p.x,
                        .x_line = 0,
                        .x_stride = static_cast<std::size_t>(p.x_stride),
                        .weights = reinterpret_cast<const std::int8_t*>(p.panels) +
                                   static_cast<std::int64_t>(column) * p.row_bytes,
                        .weight_line = 0,
                        .lines = 1,
                        .units = static_cast<std::size_t>(p.row_bytes / kUnit),
                        .add = false,
                        .sums = p.sums + column,
                        .sums_stride = columns,
                        .avx_vnni = p.features.avx_vnni};
    switch (p.format) {
      case Format::bf16:
        multiply_rows<Format::bf16>(tile, p.rows, vectors);
        break;
      case Format::int16:
        multiply_rows<Format::int16>(tile, p.rows, vectors);
        break;
      case Format::int8:
        multiply_rows<Format::int8, true>(tile, p.rows, vectors);
        break;
    }
  }
}

void multiply(const Product& product) {
  product.features.amx ? multiply_in_tiles(product) : multiply_in_vectors(product);
}

/// Queries in the keys' format, padded to whole steps.
struct Queries {
  const std::uint8_t* first;
  std::int64_t stride;  // Bytes from query to query.
};

/// Quantises the queries to signed int8.
void round_queries(const AttentionTask& t, const ReducedHeads& heads, const Buffers& r) {
  const Tag d;
  const hn::RebindToSigned<Tag> di;
  const hn::Rebind<std::int8_t, Tag> d8;
  const float most = adds_pairs_of_bytes(heads.features) ? kLargestWeightIn16Bits : kLargestByte;
  for (std::int64_t i = 0; i < t.queries; ++i) {
    auto largest = hn::Zero(d);
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      largest = hn::Max(largest, hn::Abs(load_channels(t.q, t.q_stride, heads, i, c)));
    }
    r.steps[i] = byte_step(largest, most);
    const auto inverse = hn::Set(d, 1.0F / r.steps[i]);
    std::uint8_t* const to = r.queries + i * query_floats(heads) * std::int64_t{sizeof(float)};
    auto sum = hn::Zero(di);
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      store_bytes(hn::Mul(load_channels(t.q, t.q_stride, heads, i, c), inverse), 0, to + c);
      sum = hn::Add(sum, hn::PromoteTo(di, hn::LoadU(d8, reinterpret_cast<const std::int8_t*>(to + c))));
    }
    r.offsets[i] = static_cast<float>(hn::GetLane(hn::SumOfLanes(di, sum)));
  }
}

/// Returns the queries in the keys' format. They are used in place if they are bfloat16 and fill whole steps
/// and tiles; else they are rounded into scratch memory.
Queries load_queries(const AttentionTask& t, const ReducedHeads& heads, const Buffers& r) {
  const std::int64_t stride = query_floats(heads) * std::int64_t{sizeof(float)};
  if (heads.keys == Format::int8) {
    round_queries(t, heads, r);
    return {r.queries, stride};
  }
  const bool fills_steps =
      heads.head_dim == key_channels(heads) && (!heads.features.amx || t.queries % kAmxTile == 0);
  if (t.q.type == DType::bf16 && fills_steps) {
    return {static_cast<const std::uint8_t*>(t.q.data), t.q_stride * kPair};
  }
  std::memset(r.queries, 0, static_cast<std::size_t>(ReducedHeads::kMostQueries * stride));
  for (std::int64_t i = 0; i < t.queries; ++i) {
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      store_all(load_channels(t.q, t.q_stride, heads, i, c), as_bf16(r.queries + i * stride) + c);
    }
  }
  return {r.queries, stride};
}

/// Computes the queries' products with the mean that was subtracted from a row's keys.
void multiply_mean(const AttentionTask& t, const ReducedHeads& heads, const float* mean, const Buffers& r) {
  const Tag d;
  for (std::int64_t i = 0; i < t.queries; ++i) {
    auto sum = hn::Zero(d);
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      sum = hn::MulAdd(load_channels(t.q, t.q_stride, heads, i, c), hn::LoadU(d, mean + c), sum);
    }
    r.means[i] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

/// Turns a block's scores, [queries][width] of which `count` are valid, into softmax weights. Sets shrink[i]
/// to the factor that query i's earlier weights shrink by. `step` is the scale of the block's int8 keys.
void weigh_block(const AttentionTask& t, const ReducedHeads& heads, const Buffers& r, std::int64_t width,
                 std::int64_t count, float step, float* shrink) {
  const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(heads.head_dim));
  for (std::int64_t i = 0; i < t.queries; ++i) {
    const float* const scores = r.scores + i * width;
    std::uint8_t* const weights = r.weights + i * kReducedKeys * kPair;
    if (heads.keys == Format::bf16) {
      shrink[i] = r.softmax.weigh(i, Scores<float>{scores, count, scale, 0.0F},
                                  ReducedWeights<Format::bf16>{weights});
    } else {
      const float own = scale * step * r.steps[i];
      const Scores<std::int32_t> int32_scores{
          reinterpret_cast<const std::int32_t*>(scores), count, own,
          r.means[i] * scale - static_cast<float>(kSign) * r.offsets[i] * own};
      shrink[i] = heads.values == Format::bf16
                      ? r.softmax.weigh(i, int32_scores, ReducedWeights<Format::bf16>{weights})
                      : r.softmax.weigh(i, int32_scores, ReducedWeights<Format::int16>{weights});
    }
  }
}

/// Multiplies the weighted values so far by `shrink` and adds a block's. `scales` has the scale of each
/// channel of int16 values.
void add_product(const ReducedHeads& heads, const Buffers& r, const float* shrink, const float* scales) {
  const Tag d;
  const std::int64_t columns = r.softmax.columns;
  for (std::int64_t i = 0; i < r.softmax.queries; ++i) {
    const float* const product = r.product + i * columns;
    if (heads.values == Format::bf16) {
      r.softmax.add(i, 0, columns, shrink[i], [&](std::int64_t c) { return hn::LoadU(d, product + c); });
    } else {
      r.softmax.add(i, 0, columns, shrink[i], [&](std::int64_t c) {
        return hn::Mul(hn::ConvertTo(d, load_sums(product + c)), hn::LoadU(d, scales + c));
      });
    }
  }
}

void RunAttentionTask(const AttentionTask& t, const ReducedHeads& heads, float* scratch) {
  std::optional<AmxRegisters> registers;
  if (heads.features.amx) {
    registers.emplace();
  }
  const std::int64_t row_bytes = key_row_bytes(heads);
  const std::int64_t columns = value_columns(heads);
  const std::int64_t padded_tokens = key_columns(heads);
  const Buffers r = divide_scratch(scratch, t.queries, heads);
  const Queries queries = load_queries(t, heads, r);
  std::memset(r.weights, 0, static_cast<std::size_t>(ReducedHeads::kMostQueries * kReducedKeys * kPair));
  r.softmax.clear();
  for (std::int64_t row = 0; row < t.key_rows; ++row) {
    const std::uint8_t* const keys = t.keys + row * t.row_bytes;
    const std::uint8_t* const values = t.values + row * t.row_bytes;
    const KeyScales<const float> scales = key_scales(heads, keys);
    if (heads.keys == Format::int8) {
      multiply_mean(t, heads, scales.mean, r);
    }
    for (std::int64_t first = 0; first < heads.tokens; first += kReducedKeys) {
      const std::int64_t count = std::min(kReducedKeys, heads.tokens - first);
      const std::int64_t width = std::min(kReducedKeys, padded_tokens - first);
      // The scores of a query are `width` apart, also in a last block that is narrower.
      multiply({.format = heads.keys,
                .rows = t.queries,
                .x = queries.first,
                .x_stride = queries.stride,
                .panels = keys + first * row_bytes,
                .columns = width,
                .row_bytes = row_bytes,
                .sums = r.scores,
                .features = heads.features});
      float shrink[ReducedHeads::kMostQueries];
      const float step = heads.keys == Format::int8 ? scales.scales[first / kReducedKeys] : 0.0F;
      weigh_block(t, heads, r, width, count, step, shrink);
      for (std::int64_t from = 0; from < count; from += value_block(heads)) {
        const std::int64_t tokens = std::min(value_block(heads), count - from);
        multiply({.format = heads.values,
                  .rows = t.queries,
                  .x = r.weights + from * kPair,
                  .x_stride = kReducedKeys * kPair,
                  .panels = values + (first + from) * columns * kPair,
                  .columns = columns,
                  .row_bytes = round_up(tokens, kStepNumbers) * kPair,
                  .sums = r.product,
                  .features = heads.features});
        add_product(heads, r, shrink,
                    value_scales(heads, values) + (first + from) / value_block(heads) * columns);
        std::fill_n(shrink, t.queries, 1.0F);
      }
    }
  }
  r.softmax.write(heads.head_dim, t.out, t.out_stride);
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(AttentionScratch);
HWY_EXPORT(RunAttentionTask);

std::int64_t attention_scratch(const ReducedHeads& heads) {
  return HWY_DYNAMIC_DISPATCH(AttentionScratch)(heads);
}
void attention_task(const AttentionTask& task, const ReducedHeads& heads, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunAttentionTask)(task, heads, scratch);
}

}  // namespace streamdiffusion::cpu
#endif
