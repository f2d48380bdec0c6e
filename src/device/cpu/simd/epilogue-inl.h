// The end of every epilogue: adds the residual, applies the activation and stores outputs in their type.
// Included once for each instruction set.
#if defined(STREAMDIFFUSION_EPILOGUE_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_EPILOGUE_INL
#undef STREAMDIFFUSION_EPILOGUE_INL
#else
#define STREAMDIFFUSION_EPILOGUE_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/simd_load-inl.h"
#include "device/cpu/simd/simd_math-inl.h"
#include "device/device.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

/// True if an activation only limits its results: none or ReLU. Nearly all layers have one of these.
inline bool is_limit(Activation activation) {
  return activation == Activation::none || activation == Activation::relu;
}

/// Returns the lower limit of an activation for which is_limit is true.
HWY_INLINE hn::Vec<Tag> lower_limit(Activation activation) {
  return activation == Activation::relu ? hn::Zero(Tag())
                                        : hn::Set(Tag(), -std::numeric_limits<float>::infinity());
}

/// Stores a full vector of outputs, which are at least `least`, after adding the residual with kResidual.
template <bool kResidual, typename R, typename T>
HWY_INLINE void store_limited(hn::Vec<Tag> value, hn::Vec<Tag> least, const R* residual, T* out) {
  if constexpr (kResidual) {
    value = hn::Add(value, load_all(residual));
  }
  store_all(raise_to(least, value), out);
}

inline bool has_residual(const Elements& residual) { return !residual.empty(); }
template <typename R>
inline bool has_residual(const R* residual) {
  return residual != nullptr;
}

/// Stores `valid` outputs with any activation, after adding the residual, if there is one, from its element
/// `offset` on. `residual` and `out` are pointers or Elements.
template <typename R, typename T>
HWY_INLINE void store_activated(hn::Vec<Tag> value, Activation activation, const R& residual,
                                std::int64_t offset, const T& out, std::size_t valid) {
  if (has_residual(residual)) {
    value = hn::Add(value, load_part(residual + offset, valid));
  }
  store_part(activate(Tag(), activation, value), out, valid);
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
