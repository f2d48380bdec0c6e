#include "device/cpu/simd/vnni_targets.h"
#include "device/cpu/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/target_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

bool MultipliesIntegers() { return HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2; }

bool UsesAvx512Vnni() { return STREAMDIFFUSION_VNNI != 0; }

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(MultipliesIntegers);
HWY_EXPORT(UsesAvx512Vnni);

bool multiplies_integers() { return HWY_DYNAMIC_DISPATCH(MultipliesIntegers)(); }
bool uses_avx512_vnni() { return HWY_DYNAMIC_DISPATCH(UsesAvx512Vnni)(); }

}  // namespace streamdiffusion::cpu
#endif
