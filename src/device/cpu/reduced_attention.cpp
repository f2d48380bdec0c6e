#include "device/cpu/reduced_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "device/cpu/amx.h"

// Compiled for AVX-512 with VNNI alone, which goes with AVX512_BF16; what else Highway asks for is never
// called.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/reduced_attention.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/bf16-inl.h"
#include "device/cpu/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

#if STREAMDIFFUSION_VNNI
constexpr std::int64_t kPairBytes = 4;
constexpr std::int64_t kRowBytes = kAmxTile * kPairBytes;  // of what is packed for a tile
constexpr std::int64_t kStepNumbers = kAmxStep / 2;        // bfloat16 that one instruction takes of a row

std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}
std::int64_t key_columns(std::int64_t tokens) { return round_up(tokens, kStepNumbers); }
std::int64_t key_channels(const ReducedHeads& heads) { return round_up(heads.head_dim, kStepNumbers); }
std::int64_t value_columns(const ReducedHeads& heads) { return round_up(heads.head_dim, kAmxTile); }

NativeBf16* native(std::uint8_t* numbers) { return reinterpret_cast<NativeBf16*>(numbers); }

/// Pairs of bfloat16, one from each vector, the first one's in the lower half.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Tag>> pairs_of_bf16(hn::Vec<Tag> low, hn::Vec<Tag> high) {
  const hn::RebindToUnsigned<Tag> du;
  // To the nearest, to even between two.
  const auto round = [&](hn::Vec<Tag> value) {
    const auto bits = hn::BitCast(du, value);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    return hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF)));
  };
  return hn::Or(hn::ShiftRight<16>(round(low)), hn::And(round(high), hn::Set(du, 0xFFFF0000U)));
}

void PackKeys(const Elements& k, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  const std::int64_t pairs = key_channels(heads) / 2;
  std::memset(packed, 0, static_cast<std::size_t>(heads.key_bytes()));
  constexpr auto kChannels = static_cast<std::int64_t>(kLanes);
  for (std::int64_t token = 0; token < heads.tokens; ++token) {
    std::uint8_t* to = packed + token / kAmxTile * pairs * kRowBytes + token % kAmxTile * kPairBytes;
    for (std::int64_t c = 0; c < heads.head_dim; c += kChannels) {
      const std::int64_t valid = std::min(kChannels, heads.head_dim - c);
      std::uint8_t rounded[kLanes * 2] = {};
      store_all(load_part(k + (token * stride + c), static_cast<std::size_t>(valid)), native(rounded));
      for (std::int64_t pair = 0; pair < kChannels / 2 && 2 * pair < valid; ++pair) {
        std::memcpy(to + (c / 2 + pair) * kRowBytes, rounded + pair * kPairBytes, kPairBytes);
      }
    }
  }
}

void PackValues(const Elements& v, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  const hn::RebindToUnsigned<Tag> du;
  const Tag d;
  const std::int64_t columns = value_columns(heads);
  // Blocks follow one another without a gap: only the last one is filled up to whole steps.
  const std::int64_t tokens = round_up(heads.tokens, kStepNumbers);
  for (std::int64_t token = 0; token < tokens; token += 2) {
    const std::int64_t first = token / kReducedKeys * kReducedKeys;
    const std::int64_t pairs = std::min(kReducedKeys, tokens - first) / 2;
    std::uint8_t* block = packed + first / 2 * columns * kPairBytes;
    for (std::int64_t c = 0; c < columns; c += static_cast<std::int64_t>(kLanes)) {
      const auto load = [&](std::int64_t t) {
        return t < heads.tokens && c < heads.head_dim
                   ? load_part(v + (t * stride + c), static_cast<std::size_t>(heads.head_dim - c))
                   : hn::Zero(d);
      };
      std::uint8_t* to = block + (c / kAmxTile * pairs + (token - first) / 2) * kRowBytes;
      hn::StoreU(pairs_of_bf16(load(token), load(token + 1)), du, reinterpret_cast<std::uint32_t*>(to));
    }
  }
}

/// Softmax as it goes (Milakov and Gimelshein 2018; FlashAttention): highest score, sum and weighted values
/// so far.
struct Running {
  float* scores;          // [queries][kReducedKeys]
  float* product;         // [queries][padded head_dim]
  float* values;          // likewise
  std::uint8_t* queries;  // [queries][channels], bfloat16
  std::uint8_t* weights;  // [queries][kReducedKeys], bfloat16
  float* highest;         // [queries], in scaled scores
  float* sum;             // [queries]
};

Running divide_scratch(float* scratch, const ReducedHeads& heads) {
  const std::int64_t columns = value_columns(heads);
  Running r{};
  r.scores = scratch;
  r.product = r.scores + kReducedQueries * kReducedKeys;
  r.values = r.product + kReducedQueries * columns;
  float* halves = r.values + kReducedQueries * columns;
  r.queries = reinterpret_cast<std::uint8_t*>(halves);
  halves += kReducedQueries * key_channels(heads) / 2;
  r.weights = reinterpret_cast<std::uint8_t*>(halves);
  r.highest = halves + kReducedQueries * kReducedKeys / 2;
  r.sum = r.highest + kReducedQueries;
  return r;
}

std::int64_t AttentionScratch(const ReducedHeads& heads) {
  return kReducedQueries *
         (kReducedKeys + 2 * value_columns(heads) + key_channels(heads) / 2 + kReducedKeys / 2 + 2);
}

/// 2^x for x of at most 0, to 8e-5: much finer than bfloat16.
HWY_INLINE hn::Vec<Tag> power_of_two(hn::Vec<Tag> x) {
  const Tag d;
  const hn::RebindToSigned<Tag> di;
  // Adding 1.5 * 2^23 leaves x, rounded to a whole number, in the lowest bits.
  const auto magic = hn::Set(d, 0x1.8p23F);
  x = hn::Max(x, hn::Set(d, -126.0F));
  const auto shifted = hn::Add(x, magic);
  const auto rest = hn::Sub(x, hn::Sub(shifted, magic));
  auto p = hn::MulAdd(hn::Set(d, 0.055171650F), rest, hn::Set(d, 0.24261114F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.69326097F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.99992806F));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
}

/// Turns a query's scores, in units of a factor of two, into weights in bfloat16, relative to the highest so
/// far; returns what earlier weights shrink by. Places after `count` get what is met by values of zero.
float weigh(float* scores, std::int64_t count, float scale, float& highest, float& sum,
            std::uint8_t* weights) {
  const Tag d;
  const float lowest = -std::numeric_limits<float>::infinity();
  const std::int64_t padded = round_up(count, kStepNumbers);
  std::fill(scores + count, scores + padded, lowest);
  auto most = hn::Set(d, lowest);
  for (std::int64_t i = 0; i < padded; i += static_cast<std::int64_t>(kLanes)) {
    most = hn::Max(most, hn::LoadU(d, scores + i));
  }
  const float new_highest = std::max(highest, hn::GetLane(hn::MaxOfLanes(d, most)) * scale);
  const auto scales = hn::Set(d, scale);
  const auto offset = hn::Set(d, new_highest);
  auto total = hn::Zero(d);
  for (std::int64_t i = 0; i < padded; i += static_cast<std::int64_t>(kLanes)) {
    const auto weight = power_of_two(hn::MulSub(hn::LoadU(d, scores + i), scales, offset));
    store_all(weight, native(weights) + i);
    total = hn::Add(total, weight);
  }
  const float shrink = highest == lowest ? 0.0F : std::exp2(highest - new_highest);
  sum = sum * shrink + hn::GetLane(hn::SumOfLanes(d, total));
  highest = new_highest;
  return shrink;
}

/// sums = x times panels of a tile's columns, [rows][columns], whole steps of the inner dimension.
struct Product {
  std::int64_t rows;
  const std::uint8_t* x;
  std::int64_t x_stride;  // bytes from row to row
  const std::uint8_t* weights;
  std::int64_t columns;  // whole tiles
  std::int64_t inner;
  float* sums;

  [[nodiscard]] std::int64_t panel_bytes() const { return inner / 2 * kRowBytes; }
};

void multiply_in_tiles(const Product& p) {
  amx_multiply({.type = AmxType::bf16,
                .x = p.x,
                .x_stride = static_cast<std::size_t>(p.x_stride),
                .weights = reinterpret_cast<const std::int8_t*>(p.weights),
                .weight_row = static_cast<std::size_t>(kRowBytes),
                .weight_line = 0,
                .weight_tile = static_cast<std::size_t>(p.panel_bytes()),
                .columns = static_cast<std::size_t>(p.columns),
                .lines = 1,
                .steps = static_cast<std::size_t>(p.inner / kStepNumbers),
                .rows = static_cast<std::size_t>(p.rows),
                .sums = p.sums});
}

// Of a product in vector registers at a time.
constexpr int kMostRows = 6;
constexpr int kMostPanels = 4;

template <int kRows, int kPanels>
HWY_NOINLINE void multiply_rows(const Product& p, std::int64_t row, std::int64_t panel) {
  const Tag d;
  const hn::RebindToSigned<Tag> di;
  hn::Vec<Tag> acc[kRows][kPanels];
#pragma GCC unroll 16
  for (auto& sums : acc) {
#pragma GCC unroll 4
    for (auto& sum : sums) {
      sum = hn::Zero(d);
    }
  }
  const std::int64_t stride = p.x_stride;
  const std::int64_t panel_bytes = p.panel_bytes();
  const std::uint8_t* HWY_RESTRICT x = p.x + row * stride;
  const std::uint8_t* HWY_RESTRICT weights = p.weights + panel * panel_bytes;
  const std::uint8_t* const end = x + p.inner * 2;
#pragma GCC unroll 1
  for (; x != end; x += kPairBytes, weights += kRowBytes) {
    hn::Vec<decltype(di)> column[kPanels];
#pragma GCC unroll 4
    for (int v = 0; v < kPanels; ++v) {
      column[v] = hn::LoadU(di, reinterpret_cast<const std::int32_t*>(weights + v * panel_bytes));
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      std::int32_t pair = 0;
      std::memcpy(&pair, x + r * stride, kPairBytes);
      const auto left = hn::Set(di, pair);
#pragma GCC unroll 4
      for (int v = 0; v < kPanels; ++v) {
        acc[r][v] = add_pairs(acc[r][v], left, column[v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kPanels; ++v) {
      hn::StoreU(acc[r][v], d, p.sums + (row + r) * p.columns + (panel + v) * kAmxTile);
    }
  }
}

template <int kPanels, int... kRows>
void multiply_panels(const Product& p, std::int64_t panel, std::integer_sequence<int, kRows...>) {
  using Rows = void (*)(const Product&, std::int64_t, std::int64_t);
  static constexpr Rows kFunctions[] = {&multiply_rows<kRows + 1, kPanels>...};
  const std::int64_t groups = (p.rows + kMostRows - 1) / kMostRows;
  for (std::int64_t i = 0; i < groups; ++i) {
    const std::int64_t first = p.rows * i / groups;
    kFunctions[p.rows * (i + 1) / groups - first - 1](p, first, panel);
  }
}

void multiply_in_vectors(const Product& p) {
  constexpr auto kRows = std::make_integer_sequence<int, kMostRows>();
  const std::int64_t panels = p.columns / kAmxTile;
  std::int64_t panel = 0;
  for (; panel + kMostPanels <= panels; panel += kMostPanels) {
    multiply_panels<kMostPanels>(p, panel, kRows);
  }
  for (; panel + 2 <= panels; panel += 2) {
    multiply_panels<2>(p, panel, kRows);
  }
  for (; panel < panels; ++panel) {
    multiply_panels<1>(p, panel, kRows);
  }
}

void multiply(const Product& product, bool amx) {
  amx ? multiply_in_tiles(product) : multiply_in_vectors(product);
}

/// In bfloat16, of whole steps, from query to query so many bytes apart.
struct Queries {
  const std::uint8_t* first;
  std::int64_t stride;
};

/// Where they lie, if that is in bfloat16 with whole steps and tiles to be read, or rounded.
Queries load_queries(const ReducedAttentionTask& t, const Running& r) {
  const std::int64_t channels = key_channels(t.heads);
  if (t.q.type == DType::bf16 && t.heads.head_dim == channels && t.queries % kAmxTile == 0) {
    return {static_cast<const std::uint8_t*>(t.q.data), t.q_stride * 2};
  }
  std::memset(r.queries, 0, static_cast<std::size_t>(kReducedQueries * channels * 2));
  for (std::int64_t i = 0; i < t.queries; ++i) {
    for (std::int64_t c = 0; c < t.heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      const auto rest = static_cast<std::size_t>(t.heads.head_dim - c);
      store_part(load_part(t.q + (i * t.q_stride + c), rest), native(r.queries) + (i * channels + c), rest);
    }
  }
  return {r.queries, channels * 2};
}

void RunAttentionTask(const ReducedAttentionTask& t, float* scratch) {
  const Tag d;
  std::optional<AmxRegisters> registers;
  if (t.amx) {
    registers.emplace();
  }
  const std::int64_t dim = t.heads.head_dim;
  const std::int64_t channels = key_channels(t.heads);
  const std::int64_t columns = value_columns(t.heads);
  const std::int64_t padded_tokens = key_columns(t.heads.tokens);
  const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(dim));
  const Running r = divide_scratch(scratch, t.heads);
  const Queries queries = load_queries(t, r);
  std::memset(r.weights, 0, static_cast<std::size_t>(kReducedQueries * kReducedKeys * 2));
  std::fill(r.values, r.values + t.queries * columns, 0.0F);
  std::fill(r.highest, r.highest + t.queries, -std::numeric_limits<float>::infinity());
  std::fill(r.sum, r.sum + t.queries, 0.0F);

  for (std::int64_t row = 0; row < t.key_rows; ++row) {
    for (std::int64_t first = 0; first < t.heads.tokens; first += kReducedKeys) {
      const std::int64_t count = std::min(kReducedKeys, t.heads.tokens - first);
      const std::int64_t width = std::min(kReducedKeys, padded_tokens - first);
      // Scores of a narrower block lie as close as its keys do.
      multiply({t.queries, queries.first, queries.stride, t.keys + row * t.row_bytes + first * channels * 2,
                width, channels, r.scores},
               t.amx);
      float shrink[kReducedQueries];
      for (std::int64_t i = 0; i < t.queries; ++i) {
        shrink[i] = weigh(r.scores + i * width, count, scale, r.highest[i], r.sum[i],
                          r.weights + i * kReducedKeys * 2);
      }
      multiply({t.queries, r.weights, kReducedKeys * 2, t.values + row * t.row_bytes + first * columns * 2,
                columns, round_up(count, kStepNumbers), r.product},
               t.amx);
      for (std::int64_t i = 0; i < t.queries; ++i) {
        const auto factor = hn::Set(d, shrink[i]);
        for (std::int64_t c = 0; c < columns; c += static_cast<std::int64_t>(kLanes)) {
          float* sums = r.values + i * columns + c;
          hn::StoreU(hn::MulAdd(hn::LoadU(d, sums), factor, hn::LoadU(d, r.product + i * columns + c)), d,
                     sums);
        }
      }
    }
  }
  for (std::int64_t i = 0; i < t.queries; ++i) {
    const auto factor = hn::Set(d, 1.0F / r.sum[i]);
    for (std::int64_t c = 0; c < dim; c += static_cast<std::int64_t>(kLanes)) {
      store_part(hn::Mul(hn::LoadU(d, r.values + i * columns + c), factor), t.out + (i * t.out_stride + c),
                 static_cast<std::size_t>(dim - c));
    }
  }
}

std::int64_t KeyBytes(const ReducedHeads& heads) {
  return key_channels(heads) * 2 * key_columns(heads.tokens);
}

std::int64_t ValueBytes(const ReducedHeads& heads) {
  return round_up(heads.tokens, kStepNumbers) * 2 * value_columns(heads);
}
#else
void PackKeys(const Elements&, std::int64_t, const ReducedHeads&, std::uint8_t*) {}
void PackValues(const Elements&, std::int64_t, const ReducedHeads&, std::uint8_t*) {}
std::int64_t AttentionScratch(const ReducedHeads&) { return 0; }
void RunAttentionTask(const ReducedAttentionTask&, float*) {}
std::int64_t KeyBytes(const ReducedHeads&) { return 0; }
std::int64_t ValueBytes(const ReducedHeads&) { return 0; }
#endif

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(PackKeys);
HWY_EXPORT(PackValues);
HWY_EXPORT(AttentionScratch);
HWY_EXPORT(RunAttentionTask);
HWY_EXPORT(KeyBytes);
HWY_EXPORT(ValueBytes);

std::int64_t ReducedHeads::key_bytes() const { return HWY_DYNAMIC_DISPATCH(KeyBytes)(*this); }
std::int64_t ReducedHeads::value_bytes() const { return HWY_DYNAMIC_DISPATCH(ValueBytes)(*this); }

void pack_reduced_keys(const Elements& k, std::int64_t stride, const ReducedHeads& heads,
                       std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(k, stride, heads, packed);
}
void pack_reduced_values(const Elements& v, std::int64_t stride, const ReducedHeads& heads,
                         std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackValues)(v, stride, heads, packed);
}
std::int64_t reduced_attention_scratch(const ReducedHeads& heads) {
  return HWY_DYNAMIC_DISPATCH(AttentionScratch)(heads);
}
void reduced_attention_task(const ReducedAttentionTask& task, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunAttentionTask)(task, scratch);
}

}  // namespace streamdiffusion::cpu
#endif
