// Elementary and activation functions on vectors. Included once for each instruction set.
#if defined(STREAMDIFFUSION_SIMD_MATH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_SIMD_MATH_INL
#undef STREAMDIFFUSION_SIMD_MATH_INL
#else
#define STREAMDIFFUSION_SIMD_MATH_INL
#endif

#include <hwy/highway.h>

#include "device/device.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Returns `value`, or `least` if the value is less. NaN stays NaN, which Highway's Max promises on no
/// target.
template <class V>
HWY_INLINE V raise_to(V least, V value) {
  if constexpr (HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR) {
    return hn::Max(least, value);  // The x86 instruction returns its second operand if one is NaN.
  } else {
    return hn::IfThenElse(hn::Lt(value, least), least, value);
  }
}

/// Returns e^x with an error of at most 2 units in the last place; x is clamped to -87 .. 88. For NaN
/// it may return a number. Cody and Waite's range reduction, then Cephes' polynomial.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V exp(D d, V x) {
  const hn::RebindToSigned<D> di;
  x = hn::Min(hn::Max(x, hn::Set(d, -87.0F)), hn::Set(d, 88.0F));
  // Adding 1.5 * 2^23 rounds x / ln 2 to the integer n, which is then in the lowest bits.
  const V magic = hn::Set(d, 12582912.0F);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504F), magic);
  const V n = hn::Sub(shifted, magic);
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375F), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4F), r);
  V p = hn::Set(d, 1.9875691500e-4F);
  p = hn::MulAdd(p, r, hn::Set(d, 1.3981999507e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 8.3334519073e-3F));
  p = hn::MulAdd(p, r, hn::Set(d, 4.1665795894e-2F));
  p = hn::MulAdd(p, r, hn::Set(d, 1.6666665459e-1F));
  p = hn::MulAdd(p, r, hn::Set(d, 5.0000001201e-1F));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0F));
  const auto power = hn::ShiftLeft<23>(hn::Add(hn::BitCast(di, shifted), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(d, power));
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  return hn::Div(one, hn::Add(one, exp(d, hn::Neg(x))));
}

/// Returns erf(x) by Abramowitz and Stegun 7.1.26, with an absolute error of at most 1.5e-7.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V erf(D d, V x) {
  const V a = hn::Abs(x);
  const V one = hn::Set(d, 1.0F);
  const V t = hn::Div(one, hn::MulAdd(a, hn::Set(d, 0.3275911F), one));
  V p = hn::Set(d, 1.061405429F);
  p = hn::MulAdd(p, t, hn::Set(d, -1.453152027F));
  p = hn::MulAdd(p, t, hn::Set(d, 1.421413741F));
  p = hn::MulAdd(p, t, hn::Set(d, -0.284496736F));
  p = hn::MulAdd(p, t, hn::Set(d, 0.254829592F));
  p = hn::Mul(p, t);
  const V y = hn::NegMulAdd(p, exp(d, hn::Neg(hn::Mul(a, a))), one);
  return hn::CopySign(y, x);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V gelu(D d, V x) {
  const V half = hn::Mul(x, hn::Set(d, 0.5F));
  return hn::MulAdd(half, erf(d, hn::Mul(x, hn::Set(d, 0.70710678F))), half);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V tanh(D d, V x) {
  const V one = hn::Set(d, 1.0F);
  const V two = hn::Set(d, 2.0F);
  const V y = hn::Sub(one, hn::Div(two, hn::Add(exp(d, hn::Mul(x, two)), one)));
  return hn::IfThenElse(hn::IsNaN(x), x, y);  // exp alone would lose NaN.
}

/// Returns the activation of x. NaN stays NaN.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V activate(D d, Activation activation, V x) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::silu:
      return hn::Mul(x, sigmoid(d, x));
    case Activation::relu:
      return raise_to(hn::Zero(d), x);
    case Activation::gelu:
      return gelu(d, x);
    case Activation::quick_gelu:
      return hn::Mul(x, sigmoid(d, hn::Mul(x, hn::Set(d, 1.702F))));
    case Activation::tanh:
      return tanh(d, x);
  }
  return x;
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
