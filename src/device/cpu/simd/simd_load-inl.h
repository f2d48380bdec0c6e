// Loads and stores vectors and partial vectors of activations. Included once for each instruction set.
#if defined(STREAMDIFFUSION_SIMD_LOAD_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_SIMD_LOAD_INL
#undef STREAMDIFFUSION_SIMD_LOAD_INL
#else
#define STREAMDIFFUSION_SIMD_LOAD_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/half.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
inline constexpr std::size_t kLanes = hn::MaxLanes(Tag());

using HalfTag = hn::Rebind<std::uint16_t, Tag>;

HWY_INLINE hn::Vec<Tag> load_all(const float* from) { return hn::LoadU(Tag(), from); }

HWY_INLINE hn::Vec<Tag> load_all(const Bf16* from) {
  const hn::RebindToUnsigned<Tag> du;
  const auto bits = hn::PromoteTo(du, hn::LoadU(HalfTag(), &from->bits));
  return hn::BitCast(Tag(), hn::ShiftLeft<16>(bits));
}

HWY_INLINE hn::Vec<Tag> load_all(const Half* from) {
  const hn::Rebind<hwy::float16_t, Tag> dh;
  return hn::PromoteTo(Tag(), hn::BitCast(dh, hn::LoadU(HalfTag(), &from->bits)));
}

HWY_INLINE void store_all(hn::Vec<Tag> value, Half* to) {
  const hn::Rebind<hwy::float16_t, Tag> dh;
  hn::StoreU(hn::BitCast(HalfTag(), hn::DemoteTo(dh, value)), HalfTag(), &to->bits);
}

HWY_INLINE void store_all(hn::Vec<Tag> value, float* to) { hn::StoreU(value, Tag(), to); }

/// Rounds to bfloat16, in the upper half of each lane, like `set` (elements.h). NaN stays NaN.
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Tag>> bits_of_bf16(hn::Vec<Tag> value) {
  const hn::RebindToUnsigned<Tag> du;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(du, 0x7FFF)), odd);
  const auto quiet = hn::Or(bits, hn::Set(du, 0x400000));
  const auto number = hn::Eq(value, value);
  return hn::IfThenElse(hn::RebindMask(du, number), rounded, quiet);
}

HWY_INLINE void store_all(hn::Vec<Tag> value, Bf16* to) {
  hn::StoreU(hn::TruncateTo(HalfTag(), hn::ShiftRight<16>(bits_of_bf16(value))), HalfTag(), &to->bits);
}

/// Loads `valid` elements, at most a vector; the rest of the vector is zero.
template <typename T>
HWY_INLINE hn::Vec<Tag> load_part(const T* from, std::size_t valid) {
  if (valid >= kLanes) {
    return load_all(from);
  }
  HWY_ALIGN T part[kLanes] = {};
  std::memcpy(part, from, valid * sizeof(T));
  return load_all(part);
}

template <typename T>
HWY_INLINE void store_part(hn::Vec<Tag> value, T* to, std::size_t valid) {
  if (valid >= kLanes) {
    store_all(value, to);
    return;
  }
  HWY_ALIGN T part[kLanes];
  store_all(value, part);
  std::memcpy(to, part, valid * sizeof(T));
}

/// Calls function(pointer to the first element) with a pointer of the elements' type.
template <typename Function>
HWY_INLINE decltype(auto) with_type(const Elements& elements, const Function& function) {
  return elements.type == DType::bf16 ? function(static_cast<Bf16*>(elements.data))
                                      : function(static_cast<float*>(elements.data));
}

HWY_INLINE hn::Vec<Tag> load_part(const Elements& from, std::size_t valid) {
  return with_type(from, [valid](const auto* data) { return load_part(data, valid); });
}

HWY_INLINE void store_part(hn::Vec<Tag> value, const Elements& to, std::size_t valid) {
  with_type(to, [&](auto* data) { store_part(value, data, valid); });
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
