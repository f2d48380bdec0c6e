// Loads and stores of vectors that may end early; included once for each instruction set.
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

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::CappedTag<float, 16>;
inline constexpr std::size_t kLanes = hn::MaxLanes(Tag());

/// `valid` floats, the rest of the vector zero; a whole vector where there is as much.
HWY_INLINE hn::Vec<Tag> load_part(const float* from, std::size_t valid) {
  const Tag d;
  if (valid >= kLanes) {
    return hn::LoadU(d, from);
  }
  HWY_ALIGN float part[kLanes] = {};
  std::memcpy(part, from, valid * sizeof(float));
  return hn::Load(d, part);
}

HWY_INLINE void store_part(hn::Vec<Tag> value, float* to, std::size_t valid) {
  const Tag d;
  if (valid >= kLanes) {
    hn::StoreU(value, d, to);
    return;
  }
  HWY_ALIGN float part[kLanes];
  hn::Store(value, d, part);
  std::memcpy(to, part, valid * sizeof(float));
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
