#include <gtest/gtest.h>

#include <ostream>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

struct Case {
  std::int64_t rows, queries, keys, heads, dim;
  bool causal = false;
  bool shared = false;  // all rows attend to all rows' keys
  float factor = 1;     // on the queries: large scores test the softmax
};

void PrintTo(const Case& c, std::ostream* os) {
  *os << c.rows << "x" << c.queries << "x" << c.keys << " heads " << c.heads << " of " << c.dim;
}

/// How far the device is from plain loops, of inputs that are bfloat16.
double error_of(Bench& bench, const Case& c, Precision precision) {
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

class Attention : public testing::TestWithParam<Case> {};

TEST_P(Attention, GivesWhatPlainLoopsGive) {
  Bench bench;
  EXPECT_LT(error_of(bench, GetParam(), Precision::f32), bench.limit(5e-6));
}

TEST_P(Attention, RoundsWeightsAtMostInReducedPrecision) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    for (const Precision precision : {Precision::bf16, Precision::int8}) {
      EXPECT_LT(error_of(bench, GetParam(), precision), 4e-3);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Attention,
                         testing::Values(Case{1, 64, 64, 2, 16}, Case{2, 49, 77, 3, 32},
                                         Case{1, 100, 300, 1, 40}, Case{1, 5, 1, 2, 8},
                                         Case{1, 77, 77, 4, 12, true}, Case{2, 200, 200, 1, 16, true},
                                         Case{3, 20, 24, 2, 8, false, true}, Case{1, 30, 130, 1, 160},
                                         Case{1, 40, 140, 1, 70}, Case{1, 33, 257, 2, 64, false, false, 4},
                                         Case{1, 130, 530, 2, 64}, Case{2, 70, 300, 1, 24, false, true}));

}  // namespace
}  // namespace streamdiffusion
