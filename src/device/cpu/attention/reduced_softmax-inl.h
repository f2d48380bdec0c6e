// The softmax of attention in reduced precision: turns a block of scores at a time into bf16 or int16
// weights. Included once for each instruction set.
#if defined(STREAMDIFFUSION_REDUCED_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#undef STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#else
#define STREAMDIFFUSION_REDUCED_SOFTMAX_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/round_up.h"
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

/// A query's scores as the product gave them. Weights are 2^(scale * score + offset), up to a common factor.
template <typename Score>
struct Scores {
  const Score* first;
  std::int64_t count;
  float scale;
  float offset;

  [[nodiscard]] HWY_INLINE hn::Vec<Tag> at(std::int64_t i) const {
    if constexpr (std::is_same_v<Score, float>) {
      return hn::LoadU(Tag(), first + i);
    } else {
      return hn::ConvertTo(Tag(), hn::LoadU(hn::RebindToSigned<Tag>(), first + i));
    }
  }
  /// Mask of the scores in a vector that belong to tokens, not to the padding after them.
  [[nodiscard]] HWY_INLINE auto valid(std::int64_t i) const {
    return hn::FirstN(Tag(), static_cast<std::size_t>(std::clamp<std::int64_t>(count - i, 0, kLanes)));
  }
};

/// Stores softmax weights in the values' format. Returns what they add to the sum of weights.
template <Format kFormat>
HWY_INLINE hn::Vec<Tag> store_weights(hn::Vec<Tag> weights, std::uint8_t* to) {
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

/// Turns scores into weights relative to the highest score so far; updates that and the sum of weights.
/// Weights of the padding up to a whole step are zero. Returns the factor that earlier weights shrink by.
template <Format kFormat, typename Score>
inline float weigh_scores(const Scores<Score>& scores, float& highest, float& sum, std::uint8_t* weights) {
  const Tag d;
  constexpr auto kVector = static_cast<std::int64_t>(kLanes);
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  const std::int64_t full_count = scores.count / kVector * kVector;
  const std::int64_t padded = round_up(scores.count, kStepNumbers);
  auto most = hn::Set(d, kLowest);
  for (std::int64_t i = 0; i < full_count; i += kVector) {
    most = hn::Max(most, scores.at(i));
  }
  if (full_count < scores.count) {
    most =
        hn::Max(most, hn::IfThenElse(scores.valid(full_count), scores.at(full_count), hn::Set(d, kLowest)));
  }
  const float block_highest = hn::GetLane(hn::MaxOfLanes(d, most)) * scores.scale + scores.offset;
  const float new_highest = std::max(highest, block_highest);
  const auto scale = hn::Set(d, scores.scale);
  const auto offset = hn::Set(d, scores.offset - new_highest);
  const auto weight = [&](std::int64_t i) { return power_of_two(hn::MulAdd(scores.at(i), scale, offset)); };
  auto total = hn::Zero(d);
  for (std::int64_t i = 0; i < full_count; i += kVector) {
    total = hn::Add(total, store_weights<kFormat>(weight(i), weights + i * kPair));
  }
  for (std::int64_t i = full_count; i < padded; i += kVector) {
    const auto value = hn::IfThenElseZero(scores.valid(i), weight(i));
    total = hn::Add(total, store_weights<kFormat>(value, weights + i * kPair));
  }
  const float shrink = highest == kLowest ? 0.0F : std::exp2(highest - new_highest);
  sum = sum * shrink + hn::GetLane(hn::SumOfLanes(d, total));
  highest = new_highest;
  return shrink;
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
