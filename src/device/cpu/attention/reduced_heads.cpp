#include "device/cpu/attention/reduced_heads.h"

#include <algorithm>
#include <cstring>

#include "core/round_up.h"
#include "device/cpu/simd/vnni_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/attention/reduced_heads.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/attention/reduced_heads-inl.h"
#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kLine = 64;  // Bytes of a cache line.

/// The units of one column of a panel.
struct Column {
  std::uint8_t* first;
  std::int64_t pitch;  // Bytes from unit to unit.
};
/// Finds a column in panels with `columns` columns of `rows` units each.
Column column_of(const ReducedHeads& heads, std::uint8_t* panels, std::int64_t columns, std::int64_t rows,
                 std::int64_t column) {
  const std::int64_t each = panel_columns(heads);
  const std::int64_t before = column / each * each;
  const std::int64_t width = std::min(each, columns - before);
  return {panels + (before * rows + column - before) * kUnit, width * kUnit};
}

/// Rounds to bfloat16 and interleaves: `low` goes to the lower half of each 32-bit lane, `high` to the upper.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Tag>> pairs_of_bf16(hn::Vec<Tag> low, hn::Vec<Tag> high) {
  const hn::RebindToUnsigned<Tag> du;
  return hn::Or(hn::ShiftRight<16>(bits_of_bf16(low)), hn::And(bits_of_bf16(high), hn::Set(du, 0xFFFF0000U)));
}

/// Writes a token's channels into its column. round(c, into) rounds a vector of them, from c on.
template <typename Round>
void pack_key(const ReducedHeads& heads, std::int64_t token, std::uint8_t* packed, const Round& round) {
  constexpr std::int64_t kChannels = std::max<std::int64_t>(kLanes, kUnit);  // Whole units in any format.
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

/// Rounds to int16 and interleaves, like pairs_of_bf16.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Tag>> pairs_of_int16(hn::Vec<Tag> low, hn::Vec<Tag> high) {
  const hn::RebindToUnsigned<Tag> du;
  const auto to_int = [&](hn::Vec<Tag> value) { return hn::BitCast(du, hn::NearestInt(value)); };
  return hn::Or(hn::And(to_int(low), hn::Set(du, 0xFFFF)), hn::ShiftLeft<16>(to_int(high)));
}

/// Packs a vector of channels, from `c` on, of the block that begins at token `first`. pairs(i, j) returns
/// the interleaved values of tokens i and j.
template <typename Pairs>
void pack_value_block(const ReducedHeads& heads, std::int64_t first, std::int64_t c, std::uint8_t* packed,
                      const Pairs& pairs) {
  const hn::RebindToUnsigned<Tag> du;
  const std::int64_t columns = value_columns(heads);
  // Blocks follow one another without gaps; only the last one is padded to whole steps.
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
HWY_EXPORT(KeyBytes);
HWY_EXPORT(ValueBytes);

std::int64_t ReducedHeads::key_bytes() const { return HWY_DYNAMIC_DISPATCH(KeyBytes)(*this); }
std::int64_t ReducedHeads::value_bytes() const { return HWY_DYNAMIC_DISPATCH(ValueBytes)(*this); }

void pack_keys(const Elements& k, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackKeys)(k, stride, heads, packed);
}
void pack_values(const Elements& v, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed) {
  HWY_DYNAMIC_DISPATCH(PackValues)(v, stride, heads, packed);
}

}  // namespace streamdiffusion::cpu
#endif
