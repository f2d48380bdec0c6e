// bf16 conversions and products by the instructions of AVX512_BF16. Included once for each instruction set;
// defines something only for Highway's targets from AVX3_DL on (AVX-512 with VNNI).
#if defined(STREAMDIFFUSION_BF16_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_BF16_INL
#undef STREAMDIFFUSION_BF16_INL
#else
#define STREAMDIFFUSION_BF16_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "device/cpu/simd/simd_load-inl.h"

// True for AVX3_DL and better targets, which Highway gives lower numbers.
#undef STREAMDIFFUSION_VNNI
#define STREAMDIFFUSION_VNNI (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

#if STREAMDIFFUSION_VNNI
/// A bf16 as the instruction vcvtneps2bf16 rounds it: subnormal numbers become zero, unlike in Bf16.
struct NativeBf16 {
  std::uint16_t bits;
};

HWY_INLINE hn::Vec<Tag> load_all(const NativeBf16* from) {
  return load_all(reinterpret_cast<const Bf16*>(from));
}

HWY_INLINE void store_all(hn::Vec<Tag> value, NativeBf16* to) {
  auto rounded = hn::Zero(HalfTag());
  // The intrinsic would need a compiler target that Highway's AVX3_DL does not enable.
  __asm__("vcvtneps2bf16 %1, %0" : "=v"(rounded.raw) : "v"(value.raw));
  hn::StoreU(rounded, HalfTag(), &to->bits);
}

/// Adds left[0] * right[0] + left[1] * right[1] to each lane of `sums`, where a lane of `left` and `right`
/// holds a pair of bf16. `sums` are float32 in a vector of any type, because a BitCast makes the compiler
/// copy the register.
template <typename V>
HWY_INLINE V add_pairs(V sums, hn::Vec<hn::RebindToSigned<Tag>> left,
                       hn::Vec<hn::RebindToSigned<Tag>> right) {
  __asm__("vdpbf16ps %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  return sums;
}
#endif

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
