// The online softmax of attention: turns a block of scores at a time into softmax weights and sums values by
// them. Included once for each instruction set.
#if defined(STREAMDIFFUSION_ONLINE_SOFTMAX_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_ONLINE_SOFTMAX_INL
#undef STREAMDIFFUSION_ONLINE_SOFTMAX_INL
#else
#define STREAMDIFFUSION_ONLINE_SOFTMAX_INL
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/round_up.h"
#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/simd_load-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

/// A query's scores as the product gave them. The softmax is of scale * score + offset.
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

/// State of an online softmax (Milakov and Gimelshein, arXiv 1805.02867) over the keys that some queries have
/// seen so far. All arrays lie in a task's scratch memory.
struct OnlineSoftmax {
  float* values;         // Sums of values times softmax weights: [query][columns].
  float* highest;        // Highest scaled score of each query.
  float* sum;            // Sum of softmax weights of each query.
  std::int64_t queries;  // Number of queries.
  std::int64_t columns;  // Channels of a query's values, padded to whole vectors.

  /// Begins without any keys.
  void clear() const {
    std::fill_n(values, queries * columns, 0.0F);
    std::fill_n(highest, queries, kLowest);
    std::fill_n(sum, queries, 0.0F);
  }

  /// Stores the softmax weights of a block of scores, relative to the highest score of the query so far, and
  /// zeros up to a multiple of Weights::kMultiple. Returns the factor that earlier weights shrink by.
  ///
  /// Weights::exponential(x) is the exponential function, of vectors and of floats, to any base.
  /// weights.store(vector, i) stores weights i, i + 1, ... and returns what they add to the sum of weights.
  template <typename Score, typename Weights>
  float weigh(std::int64_t query, const Scores<Score>& scores, const Weights& weights) const {
    const Tag d;
    constexpr auto kVector = static_cast<std::int64_t>(kLanes);
    const std::int64_t full_count = scores.count / kVector * kVector;
    const std::int64_t padded = round_up(scores.count, Weights::kMultiple);
    auto most = hn::Set(d, kLowest);
    for (std::int64_t i = 0; i < full_count; i += kVector) {
      most = hn::Max(most, scores.at(i));
    }
    if (full_count < scores.count) {
      most =
          hn::Max(most, hn::IfThenElse(scores.valid(full_count), scores.at(full_count), hn::Set(d, kLowest)));
    }
    const float block_highest = hn::GetLane(hn::MaxOfLanes(d, most)) * scores.scale + scores.offset;
    const float old_highest = highest[query];
    const float new_highest = std::max(old_highest, block_highest);
    const auto scale = hn::Set(d, scores.scale);
    const auto offset = hn::Set(d, scores.offset - new_highest);
    const auto weight = [&](std::int64_t i) {
      return Weights::exponential(hn::MulAdd(scores.at(i), scale, offset));
    };
    auto total = hn::Zero(d);
    for (std::int64_t i = 0; i < full_count; i += kVector) {
      total = hn::Add(total, weights.store(weight(i), i));
    }
    for (std::int64_t i = full_count; i < padded; i += kVector) {
      total = hn::Add(total, weights.store(hn::IfThenElseZero(scores.valid(i), weight(i)), i));
    }
    const float shrink = old_highest == kLowest ? 0.0F : Weights::exponential(old_highest - new_highest);
    sum[query] = sum[query] * shrink + hn::GetLane(hn::SumOfLanes(d, total));
    highest[query] = new_highest;
    return shrink;
  }

  /// Multiplies the sums of a query's values by `shrink` and adds product(c), the weighted values of a block
  /// from channel column + c on, for all c below `count` in steps of a vector.
  template <typename Product>
  HWY_INLINE void add(std::int64_t query, std::int64_t column, std::int64_t count, float shrink,
                      const Product& product) const {
    const Tag d;
    float* const sums = values + query * columns + column;
    const auto factor = hn::Set(d, shrink);
    for (std::int64_t c = 0; c < count; c += static_cast<std::int64_t>(kLanes)) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, sums + c), factor, product(c)), d, sums + c);
    }
  }

  /// Writes the weighted means of the values, of which `channels` channels are valid. Queries are `stride`
  /// elements apart in `out`.
  void write(std::int64_t channels, const Elements& out, std::int64_t stride) const {
    const Tag d;
    with_type(out, [&](auto* first) {
      for (std::int64_t i = 0; i < queries; ++i) {
        const auto factor = hn::Set(d, 1.0F / sum[i]);
        for (std::int64_t c = 0; c < channels; c += static_cast<std::int64_t>(kLanes)) {
          store_part(hn::Mul(hn::LoadU(d, values + i * columns + c), factor), first + i * stride + c,
                     static_cast<std::size_t>(channels - c));
        }
      }
    });
  }

 private:
  static constexpr float kLowest = -std::numeric_limits<float>::infinity();
};

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
