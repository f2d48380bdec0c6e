// The softmax weights of attention in reduced precision. Included once for each instruction set.
#if defined(STREAMDIFFUSION_REDUCED_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#undef STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#else
#define STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#endif

#include <hwy/highway.h>

#include <cmath>
#include <cstdint>

#include "device/cpu/attention/reduced_heads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

inline constexpr float kLargestSoftmaxWeight = 32767.0F;  // An int16 weight of 1.

/// Returns 2^x with an error of at most 8e-5, much less than the rounding of the weights. A cubic polynomial
/// approximates 2^(x - floor(x)); the exponent adds floor(x).
HWY_INLINE hn::Vec<Tag> power_of_two(hn::Vec<Tag> x) {
  const Tag d;
#if STREAMDIFFUSION_VNNI
  const hn::Vec<Tag> rest{_mm512_reduce_ps(x.raw, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)};
#else
  x = hn::Max(x, hn::Set(d, -126.0F));
  const hn::RebindToSigned<Tag> di;
  const auto floored = hn::Floor(x);
  const auto rest = hn::Sub(x, floored);
#endif
  auto p = hn::MulAdd(hn::Set(d, 0.078024523F), rest, hn::Set(d, 0.22606716F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.69583354F));
  p = hn::MulAdd(p, rest, hn::Set(d, 0.99992522F));
#if STREAMDIFFUSION_VNNI
  return hn::Vec<Tag>{_mm512_scalef_ps(p.raw, x.raw)};
#else
  return hn::BitCast(d, hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::ConvertTo(di, floored))));
#endif
}

/// Softmax weights of a query in the values' format, for OnlineSoftmax::weigh. They are powers of two and are
/// padded to whole steps.
template <Format kFormat>
struct ReducedWeights {
  static constexpr std::int64_t kMultiple = kStepNumbers;
  std::uint8_t* first;

  HWY_INLINE static hn::Vec<Tag> exponential(hn::Vec<Tag> x) { return power_of_two(x); }
  HWY_INLINE static float exponential(float x) { return std::exp2(x); }

  HWY_INLINE hn::Vec<Tag> store(hn::Vec<Tag> weights, std::int64_t i) const {
    std::uint8_t* const to = first + i * kPair;
    if constexpr (kFormat == Format::bf16) {
      store_all(weights, as_bf16(to));
      return weights;
    } else {
      // The rounded weights are summed: those that become zero must not count.
      const hn::Rebind<std::int16_t, Tag> d16;
      const auto rounded = hn::NearestInt(hn::Mul(weights, hn::Set(Tag(), kLargestSoftmaxWeight)));
      hn::StoreU(hn::DemoteTo(d16, rounded), d16, reinterpret_cast<std::int16_t*>(to));
      return hn::ConvertTo(Tag(), rounded);
    }
  }
};

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
