#include "device/cpu/reduced_attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <optional>
#include <type_traits>

#include "device/cpu/amx.h"
#include "device/cpu/reduced_kernel.h"
#include "device/cpu/vnni_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/reduced_attention.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/bf16-inl.h"
#include "device/cpu/simd_load-inl.h"
#include "device/cpu/unit-tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kPair = 2;                        // numbers of 16 bits of a unit
constexpr std::int64_t kStepNumbers = kAmxStep / kPair;  // that AMX takes of a row at a time
constexpr std::int64_t kLine = 64;                       // bytes that begin a cache line
constexpr std::int32_t kSign = 128;                      // what a byte of a key stands above
// Of values and of weights in whole numbers, and how many of their products are added in 32 bits.
constexpr float kLargestValue = 511.0F;
constexpr float kLargestWeight = 32767.0F;
constexpr std::int64_t kAddedValues = kReducedKeys / 2;
static_assert(kAddedValues * static_cast<std::int64_t>(kLargestValue * kLargestWeight) < std::int64_t{1}
                                                                                             << 31U);

std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}
/// Of a panel but the last.
std::int64_t panel_columns(const ReducedHeads& heads) {
  return heads.amx ? kAmxTile : static_cast<std::int64_t>(kPanelColumns);
}
/// Numbers of a row that are multiplied at once.
std::int64_t step(const ReducedHeads& heads) {
  return heads.amx ? kStepNumbers : kUnit / format_bytes(heads.keys);
}
std::int64_t key_columns(const ReducedHeads& heads) { return round_up(heads.tokens, kStepNumbers); }
std::int64_t key_channels(const ReducedHeads& heads) { return round_up(heads.head_dim, step(heads)); }
std::int64_t key_row_bytes(const ReducedHeads& heads) {
  return key_channels(heads) * format_bytes(heads.keys);
}
std::int64_t value_columns(const ReducedHeads& heads) { return round_up(heads.head_dim, kAmxTile); }
std::int64_t key_blocks(const ReducedHeads& heads) {
  return (heads.tokens + kReducedKeys - 1) / kReducedKeys;
}
/// Tokens of a block of values.
std::int64_t value_block(const ReducedHeads& heads) {
  return heads.values == Format::int16 ? kAddedValues : kReducedKeys;
}
std::int64_t value_blocks(const ReducedHeads& heads) {
  return (heads.tokens + value_block(heads) - 1) / value_block(heads);
}

/// What follows keys in bytes.
template <typename Float>
struct KeyScales {
  Float* mean;    // [whole vectors of channels]
  Float* scales;  // [blocks]
};
std::int64_t mean_floats(const ReducedHeads& heads) {
  return round_up(heads.head_dim, static_cast<std::int64_t>(kLanes));
}
/// To be written, or to be read where the packed keys are constant.
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
KeyScales<Float> key_scales(const ReducedHeads& heads, Byte* packed) {
  auto* const mean = reinterpret_cast<Float*>(packed + key_columns(heads) * key_row_bytes(heads));
  return {mean, mean + mean_floats(heads)};
}

std::int64_t value_numbers_bytes(const ReducedHeads& heads) {
  return round_up(heads.tokens, kStepNumbers) * kPair * value_columns(heads);
}
/// What follows values in whole numbers: [block][channel].
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
Float* value_scales(const ReducedHeads& heads, Byte* packed) {
  return reinterpret_cast<Float*>(packed + value_numbers_bytes(heads));
}

/// What a query takes of memory, with whole vectors.
std::int64_t query_floats(const ReducedHeads& heads) {
  return round_up(key_row_bytes(heads), static_cast<std::int64_t>(kLanes) * kPair) /
         std::int64_t{sizeof(float)};
}

#if STREAMDIFFUSION_VNNI
NativeBf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<NativeBf16*>(numbers); }
#else
Bf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<Bf16*>(numbers); }
#endif

/// Channels of a token from `c` on, zeros after the last.
HWY_INLINE hn::Vec<Tag> load_channels(const Elements& x, std::int64_t stride, const ReducedHeads& heads,
                                      std::int64_t token, std::int64_t c) {
  return load_part(x + (token * stride + c), static_cast<std::size_t>(heads.head_dim - c));
}

/// Where the units of a column lie in panels, from row to row of units.
struct Column {
  std::uint8_t* first;
  std::int64_t pitch;
};
Column column_of(const ReducedHeads& heads, std::uint8_t* panels, std::int64_t columns, std::int64_t rows,
                 std::int64_t column) {
  const std::int64_t each = panel_columns(heads);
  const std::int64_t before = column / each * each;
  const std::int64_t width = std::min(each, columns - before);
  return {panels + (before * rows + column - before) * kUnit, width * kUnit};
}

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

/// Writes a token's channels into its column: round(c, into) gives a vector of them in the keys' format.
template <typename Round>
void pack_key(const ReducedHeads& heads, std::int64_t token, std::uint8_t* packed, const Round& round) {
  constexpr std::int64_t kChannels = std::max<std::int64_t>(kLanes, kUnit);  // whole units of any format
  const std::int64_t each = format_bytes(heads.keys);
  const std::int64_t in_unit = kUnit / each;
  const std::int64_t rows = key_channels(heads) / in_unit;
  const Column to = column_of(heads, packed, key_columns(heads), rows, token);
  for (std::int64_t c = 0; c < heads.head_dim; c += kChannels) {
    std::uint8_t rounded[kChannels * kPair] = {};
    const std::int64_t end = std::min(c + kChannels, heads.head_dim);
    for (std::int64_t i = c; i < end; i += static_cast<std::int64_t>(kLanes)) {
      round(i, rounded + (i - c) * each);
    }
    const std::int64_t units = std::min(kChannels, key_channels(heads) - c) / in_unit;
    for (std::int64_t unit = 0; unit < units; ++unit) {
      std::memcpy(to.first + (c / in_unit + unit) * to.pitch, rounded + unit * kUnit, kUnit);
    }
  }
}

void find_mean(const Elements& k, std::int64_t stride, const ReducedHeads& heads, float* mean) {
  const Tag d;
  const auto share = hn::Set(d, 1.0F / static_cast<float>(heads.tokens));
  for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
    auto sum = hn::Zero(d);
    for (std::int64_t token = 0; token < heads.tokens; ++token) {
      sum = hn::Add(sum, load_channels(k, stride, heads, token, c));
    }
    hn::StoreU(hn::Mul(sum, share), d, mean + c);
  }
}

constexpr float kLargestByte = 127.0F;

/// The step of numbers up to `most` that hold numbers of this size.
float byte_step(hn::Vec<Tag> largest, float most) {
  return std::max(hn::GetLane(hn::MaxOfLanes(Tag(), largest)), kSmallestRange) / most;
}

/// The nearest whole number, of those that a signed byte holds, with `shift` added to its bits.
HWY_INLINE void store_bytes(hn::Vec<Tag> value, std::int32_t shift, std::uint8_t* to) {
  const hn::Rebind<std::int8_t, Tag> d8;
  const auto byte = hn::DemoteTo(d8, hn::NearestInt(value));
  hn::StoreU(hn::Add(byte, hn::Set(d8, static_cast<std::int8_t>(shift))), d8,
             reinterpret_cast<std::int8_t*>(to));
}

void pack_bytes(const Elements& k, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  const Tag d;
  const KeyScales<float> to = key_scales(heads, packed);
  find_mean(k, stride, heads, to.mean);
  const auto centred = [&](std::int64_t token, std::int64_t c) {
    return hn::Sub(load_channels(k, stride, heads, token, c), hn::LoadU(d, to.mean + c));
  };
  for (std::int64_t first = 0; first < heads.tokens; first += kReducedKeys) {
    const std::int64_t last = std::min(first + kReducedKeys, heads.tokens);
    auto largest = hn::Zero(d);
    for (std::int64_t token = first; token < last; ++token) {
      for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
        largest = hn::Max(largest, hn::Abs(centred(token, c)));
      }
    }
    const float scale = byte_step(largest, kLargestByte);
    to.scales[first / kReducedKeys] = scale;
    const auto inverse = hn::Set(d, 1.0F / scale);
    for (std::int64_t token = first; token < last; ++token) {
      pack_key(heads, token, packed, [&](std::int64_t c, std::uint8_t* bytes) {
        store_bytes(hn::Mul(centred(token, c), inverse), kSign, bytes);
      });
    }
  }
}

void PackKeys(const Elements& k, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  std::memset(packed, 0, static_cast<std::size_t>(key_columns(heads) * key_row_bytes(heads)));
  if (heads.keys == Format::int8) {
    pack_bytes(k, stride, heads, packed);
    return;
  }
  for (std::int64_t token = 0; token < heads.tokens; ++token) {
    pack_key(heads, token, packed, [&](std::int64_t c, std::uint8_t* numbers) {
      store_all(load_channels(k, stride, heads, token, c), as_bf16(numbers));
    });
  }
}

/// Pairs of whole numbers, likewise.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Tag>> pairs_of_int16(hn::Vec<Tag> low, hn::Vec<Tag> high) {
  const hn::RebindToUnsigned<Tag> du;
  const auto whole = [&](hn::Vec<Tag> value) { return hn::BitCast(du, hn::NearestInt(value)); };
  return hn::Or(hn::And(whole(low), hn::Set(du, 0xFFFF)), hn::ShiftLeft<16>(whole(high)));
}

/// A block's values of a vector of channels: pairs(first, second token's) gives what two are packed as.
template <typename Pairs>
void pack_value_block(const ReducedHeads& heads, std::int64_t first, std::int64_t c, std::uint8_t* packed,
                      const Pairs& pairs) {
  const hn::RebindToUnsigned<Tag> du;
  const std::int64_t columns = value_columns(heads);
  // Blocks follow one another without a gap: only the last one is filled up to whole steps.
  const std::int64_t tokens = std::min(value_block(heads), round_up(heads.tokens, kStepNumbers) - first);
  const Column to = column_of(heads, packed + first / 2 * columns * kUnit, columns, tokens / 2, c);
  for (std::int64_t token = 0; token < tokens; token += 2) {
    hn::StoreU(pairs(first + token, first + token + 1), du,
               reinterpret_cast<std::uint32_t*>(to.first + token / 2 * to.pitch));
  }
}

void PackValues(const Elements& v, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  const Tag d;
  float* const scales = value_scales(heads, packed);
  for (std::int64_t first = 0; first < heads.tokens; first += value_block(heads)) {
    for (std::int64_t c = 0; c < value_columns(heads); c += static_cast<std::int64_t>(kLanes)) {
      const auto load = [&](std::int64_t t) {
        return t < heads.tokens && c < heads.head_dim ? load_channels(v, stride, heads, t, c) : hn::Zero(d);
      };
      if (heads.values == Format::bf16) {
        pack_value_block(heads, first, c, packed, [&](std::int64_t one, std::int64_t other) {
          return pairs_of_bf16(load(one), load(other));
        });
        continue;
      }
      auto largest = hn::Set(d, kSmallestRange);
      for (std::int64_t token = first; token < std::min(first + value_block(heads), heads.tokens); ++token) {
        largest = hn::Max(largest, hn::Abs(load(token)));
      }
      hn::StoreU(hn::Mul(largest, hn::Set(d, 1.0F / kLargestValue)), d,
                 scales + first / value_block(heads) * value_columns(heads) + c);
      const auto inverse = hn::Div(hn::Set(d, kLargestValue), largest);
      pack_value_block(heads, first, c, packed, [&](std::int64_t one, std::int64_t other) {
        return pairs_of_int16(hn::Mul(load(one), inverse), hn::Mul(load(other), inverse));
      });
    }
  }
}

/// Softmax as it goes (Milakov and Gimelshein 2018; FlashAttention): highest score, sum and weighted values
/// so far.
struct Running {
  float* scores;          // [queries][kReducedKeys], or integers of the same size
  float* product;         // [queries][padded head_dim], or integers
  float* values;          // likewise
  std::uint8_t* queries;  // [queries][channels], in the keys' format
  std::uint8_t* weights;  // [queries][kReducedKeys], in the values' format
  float* highest;         // [queries], in scaled scores
  float* sum;             // [queries]
  float* steps;           // [queries], of their bytes
  float* offsets;         // [queries], sums of their bytes
  float* means;           // [queries], products with the keys' mean
};

Running divide_scratch(float* scratch, const ReducedHeads& heads) {
  float* next = scratch;
  const auto take = [&](std::int64_t each) {
    float* const taken = next;
    next += kReducedQueries * each;
    return taken;
  };
  const auto bytes = [](float* numbers) { return reinterpret_cast<std::uint8_t*>(numbers); };
  const std::int64_t columns = value_columns(heads);
  return {.scores = take(kReducedKeys),
          .product = take(columns),
          .values = take(columns),
          .queries = bytes(take(query_floats(heads))),
          .weights = bytes(take(kReducedKeys / kPair)),
          .highest = take(1),
          .sum = take(1),
          .steps = take(1),
          .offsets = take(1),
          .means = take(1)};
}

std::int64_t AttentionScratch(const ReducedHeads& heads) {
  return kReducedQueries *
         (kReducedKeys + 2 * value_columns(heads) + query_floats(heads) + kReducedKeys / kPair + 5);
}

/// 2^x to 8e-5, much finer than weights are written: that of what is above the next lower whole number,
/// scaled by it.
HWY_INLINE hn::Vec<Tag> power_of_two(hn::Vec<Tag> x) {
  const Tag d;
#if STREAMDIFFUSION_VNNI
  const hn::Vec<Tag> rest{_mm512_reduce_ps(x.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
#else
  x = hn::Max(x, hn::Set(d, -126.0F));
  const auto whole = hn::Floor(x);
  const auto rest = hn::Sub(x, whole);
#endif
  auto p = hn::MulAdd(hn::Set(d, 0.078024523F), rest, hn::Set(d, 0.22606716F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.69583354F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.99992522F));
#if STREAMDIFFUSION_VNNI
  return hn::Vec<Tag>{_mm512_scalef_ps(p.raw, x.raw)};
#else
  return hn::BitCast(d, hn::Add(hn::BitCast(IntTag(), p), hn::ShiftLeft<23>(hn::ConvertTo(IntTag(), whole))));
#endif
}

/// A query's scores as they were multiplied, which stand for scale * score + offset, in units of a factor of
/// two.
template <typename Score>
struct Scores {
  const Score* first;
  std::int64_t count;
  float scale;
  float offset;

  [[nodiscard]] HWY_INLINE hn::Vec<Tag> at(std::int64_t i) const {
    if constexpr (std::is_same_v<Score, float>) {
      return hn::LoadU(Tag(), first + i);
    } else {
      return hn::ConvertTo(Tag(), hn::LoadU(hn::RebindToSigned<Tag>(), first + i));
    }
  }
  /// Which of a vector's are scores: the others are of keys that fill up a step.
  [[nodiscard]] HWY_INLINE auto valid(std::int64_t i) const {
    return hn::FirstN(Tag(), static_cast<std::size_t>(std::clamp<std::int64_t>(count - i, 0, kLanes)));
  }
};

/// Writes weights and returns them as they count for the sum of all.
template <Format kFormat>
HWY_INLINE hn::Vec<Tag> store_weights(hn::Vec<Tag> weights, std::uint8_t* to) {
  if constexpr (kFormat == Format::bf16) {
    store_all(weights, as_bf16(to));
    return weights;
  } else {
    // What vanishes does not count either.
    const hn::Rebind<std::int16_t, Tag> d16;
    const auto whole = hn::NearestInt(hn::Mul(weights, hn::Set(Tag(), kLargestWeight)));
    hn::StoreU(hn::DemoteTo(d16, whole), d16, reinterpret_cast<std::int16_t*>(to));
    return hn::ConvertTo(Tag(), whole);
  }
}

/// Turns scores into weights, relative to the highest so far; returns what earlier weights shrink by. Places
/// after the last, of a step, get zeros.
template <Format kFormat, typename Score>
float weigh(const Scores<Score>& scores, float& highest, float& sum, std::uint8_t* weights) {
  const Tag d;
  constexpr auto kVector = static_cast<std::int64_t>(kLanes);
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const std::int64_t whole = scores.count / kVector * kVector;
  const std::int64_t padded = round_up(scores.count, kStepNumbers);
  auto most = hn::Set(d, kLowest);
  for (std::int64_t i = 0; i < whole; i += kVector) {
    most = hn::Max(most, scores.at(i));
  }
  if (whole < scores.count) {
    most = hn::Max(most, hn::IfThenElse(scores.valid(whole), scores.at(whole), hn::Set(d, kLowest)));
  }
  const float block_highest = hn::GetLane(hn::MaxOfLanes(d, most)) * scores.scale + scores.offset;
  const float new_highest = std::max(highest, block_highest);
  const auto scale = hn::Set(d, scores.scale);
  const auto offset = hn::Set(d, scores.offset - new_highest);
  const auto weight = [&](std::int64_t i) { return power_of_two(hn::MulAdd(scores.at(i), scale, offset)); };
  auto total = hn::Zero(d);
  for (std::int64_t i = 0; i < whole; i += kVector) {
    total = hn::Add(total, store_weights<kFormat>(weight(i), weights + i * kPair));
  }
  for (std::int64_t i = whole; i < padded; i += kVector) {
    const auto value = hn::IfThenElseZero(scores.valid(i), weight(i));
    total = hn::Add(total, store_weights<kFormat>(value, weights + i * kPair));
  }
  const float shrink = highest == kLowest ? 0.0F : std::exp2(highest - new_highest);
  sum = sum * shrink + hn::GetLane(hn::SumOfLanes(d, total));
  highest = new_highest;
  return shrink;
}

/// sums = x times panels, [rows][columns], whole steps of the inner dimension. In bytes x is signed and the
/// panels are not.
struct Product {
  Format format;
  std::int64_t rows;
  const std::uint8_t* x;
  std::int64_t x_stride;  // bytes from row to row
  const std::uint8_t* panels;
  std::int64_t columns;  // whole vectors
  std::int64_t row_bytes;
  float* sums;  // or integers of the same size
  bool avx_vnni;
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
                        .avx_vnni = p.avx_vnni};
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

void multiply(const Product& product, bool amx) {
  amx ? multiply_in_tiles(product) : multiply_in_vectors(product);
}

/// In the keys' format, of whole steps, from query to query so many bytes apart.
struct Queries {
  const std::uint8_t* first;
  std::int64_t stride;
};

/// Rounds the queries to signed bytes.
void round_queries(const ReducedAttentionTask& t, const Running& r) {
  const Tag d;
  const ReducedHeads& heads = t.heads;
  const hn::RebindToSigned<Tag> di;
  const hn::Rebind<std::int8_t, Tag> d8;
  const float most = adds_in_16_bits(heads.avx_vnni) ? kLargestWeightIn16Bits : kLargestByte;
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

/// Where they lie, if that is in bfloat16 with whole steps and tiles to be read, or rounded.
Queries load_queries(const ReducedAttentionTask& t, const Running& r) {
  const ReducedHeads& heads = t.heads;
  const std::int64_t stride = query_floats(heads) * std::int64_t{sizeof(float)};
  if (heads.keys == Format::int8) {
    round_queries(t, r);
    return {r.queries, stride};
  }
  const bool whole = heads.head_dim == key_channels(heads) && (!heads.amx || t.queries % kAmxTile == 0);
  if (t.q.type == DType::bf16 && whole) {
    return {static_cast<const std::uint8_t*>(t.q.data), t.q_stride * kPair};
  }
  std::memset(r.queries, 0, static_cast<std::size_t>(kReducedQueries * stride));
  for (std::int64_t i = 0; i < t.queries; ++i) {
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      store_all(load_channels(t.q, t.q_stride, heads, i, c), as_bf16(r.queries + i * stride) + c);
    }
  }
  return {r.queries, stride};
}

/// The queries' products with the mean of a row's keys.
void multiply_mean(const ReducedAttentionTask& t, const float* mean, const Running& r) {
  const Tag d;
  for (std::int64_t i = 0; i < t.queries; ++i) {
    auto sum = hn::Zero(d);
    for (std::int64_t c = 0; c < t.heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      sum = hn::MulAdd(load_channels(t.q, t.q_stride, t.heads, i, c), hn::LoadU(d, mean + c), sum);
    }
    r.means[i] = hn::GetLane(hn::SumOfLanes(d, sum));
  }
}

/// Turns all queries' scores of a block into weights; `shrink` is what earlier ones shrink by. `step`: of the
/// block's keys, in bytes.
void weigh_block(const ReducedAttentionTask& t, const Running& r, std::int64_t width, std::int64_t count,
                 float step, float* shrink) {
  const float scale = std::numbers::log2e_v<float> / std::sqrt(static_cast<float>(t.heads.head_dim));
  for (std::int64_t i = 0; i < t.queries; ++i) {
    const float* const scores = r.scores + i * width;
    std::uint8_t* const weights = r.weights + i * kReducedKeys * kPair;
    if (t.heads.keys == Format::bf16) {
      shrink[i] =
          weigh<Format::bf16>(Scores<float>{scores, count, scale, 0.0F}, r.highest[i], r.sum[i], weights);
    } else {
      const float own = scale * step * r.steps[i];
      const Scores<std::int32_t> whole{reinterpret_cast<const std::int32_t*>(scores), count, own,
                                       r.means[i] * scale - static_cast<float>(kSign) * r.offsets[i] * own};
      shrink[i] = t.heads.values == Format::bf16
                      ? weigh<Format::bf16>(whole, r.highest[i], r.sum[i], weights)
                      : weigh<Format::int16>(whole, r.highest[i], r.sum[i], weights);
    }
  }
}

/// Adds a block's weighted values to those so far, which shrink; `scales` are those of whole numbers.
void add_product(const ReducedAttentionTask& t, const Running& r, const float* shrink, const float* scales) {
  const Tag d;
  const std::int64_t columns = value_columns(t.heads);
  const auto add = [&](const auto& product) {
    for (std::int64_t i = 0; i < t.queries; ++i) {
      const auto factor = hn::Set(d, shrink[i]);
      for (std::int64_t c = 0; c < columns; c += static_cast<std::int64_t>(kLanes)) {
        float* const sums = r.values + i * columns + c;
        hn::StoreU(hn::MulAdd(hn::LoadU(d, sums), factor, product(r.product + i * columns + c, c)), d, sums);
      }
    }
  };
  if (t.heads.values == Format::bf16) {
    add([&](const float* from, std::int64_t) { return hn::LoadU(d, from); });
  } else {
    add([&](const float* from, std::int64_t c) {
      return hn::Mul(hn::ConvertTo(d, load_sums(from)), hn::LoadU(d, scales + c));
    });
  }
}

void RunAttentionTask(const ReducedAttentionTask& t, float* scratch) {
  const Tag d;
  const ReducedHeads& heads = t.heads;
  std::optional<AmxRegisters> registers;
  if (heads.amx) {
    registers.emplace();
  }
  const std::int64_t row_bytes = key_row_bytes(heads);
  const std::int64_t columns = value_columns(heads);
  const std::int64_t padded_tokens = key_columns(heads);
  const Running r = divide_scratch(scratch, heads);
  const Queries queries = load_queries(t, r);
  std::memset(r.weights, 0, static_cast<std::size_t>(kReducedQueries * kReducedKeys * kPair));
  std::fill(r.values, r.values + t.queries * columns, 0.0F);
  std::fill(r.highest, r.highest + t.queries, -std::numeric_limits<float>::infinity());
  std::fill(r.sum, r.sum + t.queries, 0.0F);

  for (std::int64_t row = 0; row < t.key_rows; ++row) {
    const std::uint8_t* const keys = t.keys + row * t.row_bytes;
    const std::uint8_t* const values = t.values + row * t.row_bytes;
    const KeyScales<const float> scales = key_scales(heads, keys);
    if (heads.keys == Format::int8) {
      multiply_mean(t, scales.mean, r);
    }
    for (std::int64_t first = 0; first < heads.tokens; first += kReducedKeys) {
      const std::int64_t count = std::min(kReducedKeys, heads.tokens - first);
      const std::int64_t width = std::min(kReducedKeys, padded_tokens - first);
      // Scores of a narrower block lie as close as its keys do.
      multiply({heads.keys, t.queries, queries.first, queries.stride, keys + first * row_bytes, width,
                row_bytes, r.scores, heads.avx_vnni},
               heads.amx);
      float shrink[kReducedQueries];
      const float step = heads.keys == Format::int8 ? scales.scales[first / kReducedKeys] : 0.0F;
      weigh_block(t, r, width, count, step, shrink);
      for (std::int64_t from = 0; from < count; from += value_block(heads)) {
        const std::int64_t tokens = std::min(value_block(heads), count - from);
        multiply({heads.values, t.queries, r.weights + from * kPair, kReducedKeys * kPair,
                  values + (first + from) * columns * kPair, columns, round_up(tokens, kStepNumbers) * kPair,
                  r.product, heads.avx_vnni},
                 heads.amx);
        add_product(t, r, shrink,
                    value_scales(heads, values) + (first + from) / value_block(heads) * columns);
        std::fill_n(shrink, t.queries, 1.0F);
      }
    }
  }
  for (std::int64_t i = 0; i < t.queries; ++i) {
    const auto factor = hn::Set(d, 1.0F / r.sum[i]);
    for (std::int64_t c = 0; c < heads.head_dim; c += static_cast<std::int64_t>(kLanes)) {
      store_part(hn::Mul(hn::LoadU(d, r.values + i * columns + c), factor), t.out + (i * t.out_stride + c),
                 static_cast<std::size_t>(heads.head_dim - c));
    }
  }
}

std::int64_t KeyBytes(const ReducedHeads& heads) {
  std::int64_t bytes = key_columns(heads) * key_row_bytes(heads);
  if (heads.keys == Format::int8) {
    bytes += (mean_floats(heads) + key_blocks(heads)) * std::int64_t{sizeof(float)};
  }
  return round_up(bytes, kLine);
}

std::int64_t ValueBytes(const ReducedHeads& heads) {
  std::int64_t bytes = value_numbers_bytes(heads);
  if (heads.values == Format::int16) {
    bytes += value_blocks(heads) * value_columns(heads) * std::int64_t{sizeof(float)};
  }
  return round_up(bytes, kLine);
}

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
