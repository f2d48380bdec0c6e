// float32 to bfloat16 with AVX512_BF16; included once for each instruction set, of use in those from AVX3_DL
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
#include <cstring>

#include "device/cpu/simd_load-inl.h"

// AVX3_DL and the targets that include it.
#undef STREAMDIFFUSION_VNNI
#define STREAMDIFFUSION_VNNI (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3_DL)

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

#if STREAMDIFFUSION_VNNI
/// The first `valid` of the values, or all where there are as many, to 2 bytes each.
HWY_INLINE void store_bf16(hn::Vec<Tag> values, std::uint8_t* to, std::size_t valid) {
  constexpr std::size_t kBytes = 2;
  const hn::Rebind<std::uint16_t, Tag> d16;
  auto rounded = hn::Zero(d16);
  // Not by its intrinsic, which asks for more than Highway lets this be compiled for.
  __asm__("vcvtneps2bf16 %1, %0" : "=v"(rounded.raw) : "v"(values.raw));
  if (valid >= kLanes) {
    hn::StoreU(rounded, d16, reinterpret_cast<std::uint16_t*>(to));
  } else {
    std::memcpy(to, &rounded.raw, valid * kBytes);
  }
}
#endif

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
