// bfloat16 with AVX512_BF16; included once for each instruction set, of use in those from AVX3_DL
// on.
#if defined(STREAMDIFFUSION_BF16_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_BF16_INL
#undef STREAMDIFFUSION_BF16_INL
#else
#define STREAMDIFFUSION_BF16_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "device/cpu/simd_load-inl.h"

// AVX3_DL and the targets that include it.
#undef STREAMDIFFUSION_VNNI
#define STREAMDIFFUSION_VNNI (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

#if STREAMDIFFUSION_VNNI
/// A bfloat16 that the processor rounds to by itself; as Bf16, but that what is below the smallest normal
/// number becomes zero.
struct NativeBf16 {
  std::uint16_t bits;
};

HWY_INLINE hn::Vec<Tag> load_all(const NativeBf16* from) {
  return load_all(reinterpret_cast<const Bf16*>(from));
}

HWY_INLINE void store_all(hn::Vec<Tag> value, NativeBf16* to) {
  auto rounded = hn::Zero(HalfTag());
  // Not by its intrinsic, which asks for more than Highway lets this be compiled for.
  __asm__("vcvtneps2bf16 %1, %0" : "=v"(rounded.raw) : "v"(value.raw));
  hn::StoreU(rounded, HalfTag(), &to->bits);
}

/// The products of pairs of bfloat16, which lie in lanes of integers, added to each lane of `sums`: floats,
/// in a vector of any type, as turning it into another makes the compiler copy it.
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
