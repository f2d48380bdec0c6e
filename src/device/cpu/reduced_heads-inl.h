// How keys and values lie that are packed for attention in reduced precision (reduced_heads.h), and how
// numbers are written for it; included once for each instruction set.
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
#include "device/cpu/amx.h"
#include "device/cpu/bf16-inl.h"
#include "device/cpu/reduced_heads.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

inline constexpr std::int64_t kPair = 2;                        // numbers of 16 bits of a unit
inline constexpr std::int64_t kStepNumbers = kAmxStep / kPair;  // that AMX takes of a row at a time
inline constexpr std::int32_t kSign = 128;                      // what a byte of a key stands above
inline constexpr float kLargestByte = 127.0F;
inline constexpr float kLargestValue = 511.0F;  // of values in whole numbers
// Values in whole numbers whose products with weights are added in 32 bits.
inline constexpr std::int64_t kAddedValues = kReducedKeys / 2;

/// Of a panel but the last.
inline std::int64_t panel_columns(const ReducedHeads& heads) {
  return heads.features.amx ? kAmxTile : static_cast<std::int64_t>(kPanelColumns);
}
/// Numbers of a row that are multiplied at once.
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
/// Tokens of a block of values.
inline std::int64_t value_block(const ReducedHeads& heads) {
  return heads.values == Format::int16 ? kAddedValues : kReducedKeys;
}
inline std::int64_t value_blocks(const ReducedHeads& heads) {
  return divide_up(heads.tokens, value_block(heads));
}

/// What follows keys in bytes.
template <typename Float>
struct KeyScales {
  Float* mean;    // [whole vectors of channels]
  Float* scales;  // [blocks]
};
inline std::int64_t mean_floats(const ReducedHeads& heads) {
  return round_up(heads.head_dim, static_cast<std::int64_t>(kLanes));
}
/// To be written, or to be read where the packed keys are constant.
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
KeyScales<Float> key_scales(const ReducedHeads& heads, Byte* packed) {
  auto* const mean = reinterpret_cast<Float*>(packed + key_columns(heads) * key_row_bytes(heads));
  return {mean, mean + mean_floats(heads)};
}

inline std::int64_t value_numbers_bytes(const ReducedHeads& heads) {
  return round_up(heads.tokens, kStepNumbers) * kPair * value_columns(heads);
}
/// What follows values in whole numbers: [block][channel].
template <typename Byte, typename Float = std::conditional_t<std::is_const_v<Byte>, const float, float>>
Float* value_scales(const ReducedHeads& heads, Byte* packed) {
  return reinterpret_cast<Float*>(packed + value_numbers_bytes(heads));
}

#if STREAMDIFFUSION_VNNI
inline NativeBf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<NativeBf16*>(numbers); }
#else
inline Bf16* as_bf16(std::uint8_t* numbers) { return reinterpret_cast<Bf16*>(numbers); }
#endif

/// Channels of a token from `c` on, zeros after the last.
HWY_INLINE hn::Vec<Tag> load_channels(const Elements& x, std::int64_t stride, const ReducedHeads& heads,
                                      std::int64_t token, std::int64_t c) {
  return load_part(x + (token * stride + c), static_cast<std::size_t>(heads.head_dim - c));
}

/// The step of numbers up to `most` that hold numbers of this size.
inline float byte_step(hn::Vec<Tag> largest, float most) {
  return std::max(hn::GetLane(hn::MaxOfLanes(Tag(), largest)), kSmallestRange) / most;
}

/// The nearest whole number, of those that a signed byte holds, with `shift` added to its bits.
HWY_INLINE void store_bytes(hn::Vec<Tag> value, std::int32_t shift, std::uint8_t* to) {
  const hn::Rebind<std::int8_t, Tag> d8;
  const auto byte = hn::DemoteTo(d8, hn::NearestInt(value));
  hn::StoreU(hn::Add(byte, hn::Set(d8, static_cast<std::int8_t>(shift))), d8,
             reinterpret_cast<std::int8_t*>(to));
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
