// Offsets in ReducedHeads' layout, and rounding to its formats. Included once for each instruction set.
#if defined(STREAMDIFFUSION_REDUCED_HEADS_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_REDUCED_HEADS_INL
#undef STREAMDIFFUSION_REDUCED_HEADS_INL
#else
#define STREAMDIFFUSION_REDUCED_HEADS_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "core/round_up.h"
#include "device/cpu/attention/reduced_heads.h"
#include "device/cpu/simd/amx.h"
#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

inline constexpr std::int64_t kPair = 2;                        // 16-bit numbers in a unit.
inline constexpr std::int64_t kStepNumbers = kAmxStep / kPair;  // 16-bit numbers in an AMX step.
inline constexpr std::int32_t kSign = 128;                      // Zero point of packed int8 keys.
inline constexpr float kLargestByte = 127.0F;                   // Largest magnitude of int8 keys and queries.
// Largest magnitude of int16 values: kAddedValues products with weights of up to kLargestSoftmaxWeight stay
// below 2^31.
inline constexpr float kLargestValue = 511.0F;
// Tokens in a block of int16 values: the products of as many with their weights fit into an int32 sum.
inline constexpr std::int64_t kAddedValues = kReducedKeys / 2;

/// Columns of a panel; the last one may be narrower.
inline std::int64_t panel_columns(const ReducedHeads& heads) {
  return heads.features.amx ? kAmxTile : static_cast<std::int64_t>(kPanelColumns);
}
/// Numbers of a key that are multiplied at once; channels are padded to a multiple of this.
inline std::int64_t key_step(const ReducedHeads& heads) {
  return heads.features.amx ? kStepNumbers : kUnit / format_bytes(heads.keys);
}
inline std::int64_t key_columns(const ReducedHeads& heads) { return round_up(heads.tokens, kStepNumbers); }
inline std::int64_t key_channels(const ReducedHeads& heads) {
  return round_up(heads.head_dim, key_step(heads));
}
inline std::int64_t key_row_bytes(const ReducedHeads& heads) {
  return key_channels(heads) * format_bytes(heads.keys);
}
inline std::int64_t value_columns(const ReducedHeads& heads) { return round_up(heads.head_dim, kAmxTile); }
inline std::int64_t key_blocks(const ReducedHeads& heads) { return divide_up(heads.tokens, kReducedKeys); }
/// Tokens in a block of values.
inline std::int64_t value_block(const ReducedHeads& heads) {
  return heads.values == Format::int16 ? kAddedValues : kReducedKeys;
}
inline std::int64_t value_blocks(const ReducedHeads& heads) {
  return divide_up(heads.tokens, value_block(heads));
}

/// Mean and scales of int8 keys, which follow the keys.
template <typename Float>
struct KeyScales {
  Float* mean;    // [channels, padded to whole vectors]
  Float* scales;  // [block]
};
inline std::int64_t mean_floats(const ReducedHeads& heads) {
  return round_up(heads.head_dim, static_cast<std::int64_t>(kLanes));
}
/// Returns the mean and scales that follow packed int8 keys: const if the keys are const.
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
KeyScales<Float> key_scales(const ReducedHeads& heads, Byte* packed) {
  auto* const mean = reinterpret_cast<Float*>(packed + key_columns(heads) * key_row_bytes(heads));
  return {mean, mean + mean_floats(heads)};
}

inline std::int64_t value_numbers_bytes(const ReducedHeads& heads) {
  return round_up(heads.tokens, kStepNumbers) * kPair * value_columns(heads);
}
/// Returns the scales [block][channel] that follow packed int16 values: const if the values are const.
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
Float* value_scales(const ReducedHeads& heads, Byte* packed) {
  return reinterpret_cast<Float*>(packed + value_numbers_bytes(heads));
}

#if STREAMDIFFUSION_VNNI
inline NativeBf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<NativeBf16*>(numbers); }
#else
inline Bf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<Bf16*>(numbers); }
#endif

/// Loads a vector of a token's channels from `c` on, with zeros after the last channel.
HWY_INLINE hn::Vec<Tag> load_channels(const Elements& x, std::int64_t stride, const ReducedHeads& heads,
                                      std::int64_t token, std::int64_t c) {
  return load_part(x + (token * stride + c), static_cast<std::size_t>(heads.head_dim - c));
}

/// Returns the scale that maps the maximum of `largest` to `most`.
inline float byte_step(hn::Vec<Tag> largest, float most) {
  return std::max(hn::GetLane(hn::MaxOfLanes(Tag(), largest)), kSmallestRange) / most;
}

/// Rounds to the nearest int8 and stores it plus `shift`, modulo 256.
HWY_INLINE void store_bytes(hn::Vec<Tag> value, std::int32_t shift, std::uint8_t* to) {
  const hn::Rebind<std::int8_t, Tag> d8;
  const auto byte = hn::DemoteTo(d8, hn::NearestInt(value));
  hn::StoreU(hn::Add(byte, hn::Set(d8, static_cast<std::int8_t>(shift))), d8,
             reinterpret_cast<std::int8_t*>(to));
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
