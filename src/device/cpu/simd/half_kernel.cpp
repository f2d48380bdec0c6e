#include "device/cpu/simd/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/simd/half_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

constexpr auto kStep = static_cast<std::int64_t>(kLanes);

bool FitsHalf(const float* values, std::int64_t count) {
  const Tag d;
  Half halves[kLanes];
  for (std::int64_t i = 0; i < count; i += kStep) {
    const auto value = load_part(values + i, static_cast<std::size_t>(count - i));
    store_all(value, halves);
    if (!hn::AllTrue(d, hn::Eq(load_all(halves), value))) {
      return false;
    }
  }
  return true;
}

void ToHalf(const float* from, std::int64_t count, Half* to) {
  for (std::int64_t i = 0; i < count; i += kStep) {
    const auto valid = static_cast<std::size_t>(count - i);
    store_part(load_part(from + i, valid), to + i, valid);
  }
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(FitsHalf);
HWY_EXPORT(ToHalf);

bool fits_half(const float* values, std::int64_t count) {
  return HWY_DYNAMIC_DISPATCH(FitsHalf)(values, count);
}

void to_half(const float* from, std::int64_t count, Half* to) {
  HWY_DYNAMIC_DISPATCH(ToHalf)(from, count, to);
}

}  // namespace streamdiffusion::cpu
#endif
