#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <ostream>
#include <random>

#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/target.h"
#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

struct AttentionCase {
  std::int64_t rows, queries, keys, heads, dim;
  bool causal = false;
  bool shared = false;  // True if all rows attend to all rows' keys.
  float factor = 1;     // Factor of the queries: large scores test the softmax.
};

void PrintTo(const AttentionCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.queries << "x" << c.keys << " heads " << c.heads << " of " << c.dim;
}

/// Error of the device's attention relative to plain loops, for inputs that bfloat16 represents exactly.
double error_of(Bench& bench, const AttentionCase& c, Precision precision) {
  const std::int64_t width = c.heads * c.dim;
  const Tensor q = bench.random_bf16({c.rows, 1, c.queries, width}, 1, 2 * width);
  const Tensor k = bench.random_bf16({c.rows, 1, c.keys, width}, 2, 3);
  const Tensor v = bench.random_bf16({c.rows, 1, c.keys, width}, 3, 1);
  bench.device().map(q, c.factor, Activation::none, 1, 0, q);
  const Tensor out = bench.empty({c.rows, 1, c.queries, width}, 4);
  std::vector<RowRange> seen;
  for (std::int64_t row = 0; row < c.rows; ++row) {
    seen.push_back(c.shared ? RowRange{0, c.rows} : RowRange{row, 1});
  }
  AttentionOptions options;
  options.heads = c.heads;
  options.causal = c.causal;
  options.precision = precision;
  if (c.shared) {
    options.key_rows = seen;
  }
  bench.device().attention(q, k, v, options, out);

  std::vector<double> weights;
  return reference::largest_error(out, [&](auto n, auto, auto t, auto channel) {
    const std::int64_t head = channel / c.dim;
    const RowRange rows = seen[static_cast<std::size_t>(n)];
    weights.clear();
    double highest = -1e30;
    for (std::int64_t row = rows.first; row < rows.first + rows.count; ++row) {
      for (std::int64_t key = 0; key < (c.causal ? t + 1 : c.keys); ++key) {
        double score = 0;
        for (std::int64_t i = head * c.dim; i < (head + 1) * c.dim; ++i) {
          score += at(q, n, 0, t, i) * at(k, row, 0, key, i);
        }
        weights.push_back(score / std::sqrt(static_cast<double>(c.dim)));
        highest = std::max(highest, weights.back());
      }
    }
    double sum = 0;
    double value = 0;
    std::size_t next = 0;
    for (std::int64_t row = rows.first; row < rows.first + rows.count; ++row) {
      for (std::int64_t key = 0; key < (c.causal ? t + 1 : c.keys); ++key) {
        const double weight = std::exp(weights[next++] - highest);
        sum += weight;
        value += weight * at(v, row, 0, key, channel);
      }
    }
    return value / sum;
  });
}

class AttentionTest : public testing::TestWithParam<AttentionCase> {};

TEST_P(AttentionTest, GivesWhatPlainLoopsGive) {
  Bench bench;
  EXPECT_LT(error_of(bench, GetParam(), Precision::f32), bench.limit(5e-6));
}

TEST_P(AttentionTest, RoundsWeightsAtMostInBfloat16) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_LT(error_of(bench, GetParam(), Precision::bf16), 4e-3);
  }
}

/// True if a device with these features computes int8 attention to so many keys with int8 queries and keys.
bool attends_in_bytes(const cpu::Features& features, std::int64_t keys) {
  return keys >= 256 && (features.bf16 ? !features.amx : cpu::multiplies_integers());
}

TEST_P(AttentionTest, RoundsQueriesAndKeysToInt8AtMostWhereKeysAreMany) {
  const AttentionCase& c = GetParam();
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const bool in_bytes = attends_in_bytes(features, c.keys) && !c.causal;
    const double of_queries = cpu::adds_in_16_bits(features) ? 5e-2 : 3e-2;
    EXPECT_LT(error_of(bench, c, Precision::int8), in_bytes ? of_queries : 4e-3);
  }
}

/// Fills a tensor with integers of magnitudes up to `most`, which each head of a token reaches. With
/// `opposites` the second half of the tokens negates the first: the mean is zero, so int8 keys are exact.
void fill_exactly(const Tensor& x, std::int64_t dim, int most, bool opposites) {
  std::mt19937 random(5);
  const std::int64_t tokens = x.shape.w;
  for (std::int64_t pixel = 0; pixel < x.shape.pixels(); ++pixel) {
    float* const to = x.pixels(pixel, 1).as<float>();
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      const bool opposite = opposites && pixel % tokens >= tokens / 2;
      to[c] = opposite       ? -x.pixels(pixel - tokens / 2, 1).as<float>()[c]
              : c % dim == 0 ? static_cast<float>(most)
                             : static_cast<float>(static_cast<int>(random() % (2U * most + 1)) - most);
    }
  }
}

TEST(AttentionInInt8, IsAsExactAsBfloat16OfNumbersThatInt8Holds) {
  constexpr std::int64_t kDim = 40;
  constexpr std::int64_t kHeads = 2;
  constexpr float kScale = 1.0F / 64;
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor q = bench.empty({2, 1, 50, kDim * kHeads});
    const Tensor k = bench.empty({2, 1, 600, kDim * kHeads}, 3);
    const Tensor v = bench.random(k.shape, 4);
    fill_exactly(q, kDim, cpu::adds_in_16_bits(features) ? 64 : 127, false);
    fill_exactly(k, kDim, 127, true);
    bench.device().map(q, kScale, Activation::none, 1, 0, q);
    bench.device().map(k, kScale, Activation::none, 1, 0, k);
    const std::vector<RowRange> both(2, {0, 2});
    const Tensor want = bench.empty(q.shape);
    const Tensor got = bench.empty(q.shape);
    AttentionOptions options{.heads = kHeads, .key_rows = both};
    bench.device().attention(q, k, v, options, want);
    options.precision = Precision::int8;
    bench.device().attention(q, k, v, options, got);
    const double error =
        reference::largest_error(got, [&](auto n, auto y, auto t, auto c) { return at(want, n, y, t, c); });
    EXPECT_LT(error, 4e-3);
  }
}

TEST(AttentionInInt8, DoesNotSeeWhatAllKeysHaveInCommon) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor q = bench.random({1, 1, 64, 64}, 1);
    const Tensor k = bench.random({1, 1, 256, 64}, 2);
    const Tensor v = bench.random({1, 1, 256, 64}, 3);
    const Tensor want = bench.empty(q.shape);
    const Tensor got = bench.empty(q.shape);
    const AttentionOptions options{.heads = 1, .precision = Precision::int8};
    for (std::int64_t token = 0; token < k.shape.w; ++token) {
      k.pixels(token, 1).as<float>()[7] += 30;  // Without subtracting the mean it would use up int8's range.
    }
    bench.device().attention(q, k, v, {.heads = 1}, want);
    bench.device().attention(q, k, v, options, got);
    const double error =
        reference::largest_error(got, [&](auto n, auto y, auto t, auto c) { return at(want, n, y, t, c); });
    EXPECT_LT(error, attends_in_bytes(features, k.shape.w) ? 2e-2 : 8e-2);
  }
}

TEST(AttentionInBfloat16, KeepsWhatIsNoNumber) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    const Tensor q = bench.random({1, 1, 8, 32}, 1);
    const Tensor k = bench.random({1, 1, 24, 32}, 2);
    const Tensor v = bench.random({1, 1, 24, 32}, 3);
    const Tensor out = bench.empty(q.shape);
    // A NaN that the addition which rounds to bfloat16 would carry over into a small number.
    v.as<float>()[5] = std::bit_cast<float>(0x7FFFFFFFU);
    bench.device().attention(q, k, v, {.heads = 1, .precision = Precision::bf16}, out);
    EXPECT_TRUE(std::isnan(at(out, 0, 0, 0, 5)));
    EXPECT_TRUE(std::isfinite(at(out, 0, 0, 0, 6)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionTest,
    testing::Values(AttentionCase{1, 64, 64, 2, 16}, AttentionCase{2, 49, 77, 3, 32},
                    AttentionCase{1, 100, 300, 1, 40}, AttentionCase{1, 5, 1, 2, 8},
                    AttentionCase{1, 77, 77, 4, 12, true}, AttentionCase{2, 200, 200, 1, 16, true},
                    AttentionCase{3, 20, 24, 2, 8, false, true}, AttentionCase{1, 30, 130, 1, 160},
                    AttentionCase{1, 40, 140, 1, 70}, AttentionCase{1, 33, 257, 2, 64, false, false, 4},
                    AttentionCase{1, 130, 530, 2, 64}, AttentionCase{2, 70, 300, 1, 24, false, true}));

}  // namespace
}  // namespace streamdiffusion
