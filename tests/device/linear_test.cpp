#include <gtest/gtest.h>

#include <ostream>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

struct LinearCase {
  std::int64_t rows, tokens, in, out;
  bool geglu = false;
  bool bias = true;
  bool residual = false;
  Activation activation = Activation::none;
};

void PrintTo(const LinearCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.tokens << " " << c.in << "->" << c.out << (c.geglu ? " geglu" : "");
}

class Linear : public testing::TestWithParam<LinearCase> {};

TEST_P(Linear, GivesWhatPlainLoopsGive) {
  const LinearCase c = GetParam();
  Bench bench;
  const std::vector<float> weight = reference::random_values(c.out * c.in, 1);
  const std::vector<float> bias = reference::random_values(c.bias ? c.out : 0, 2);
  const Weights packed = bench.device().pack_linear({weight, bias, c.out, c.in, c.geglu});
  const Tensor x = bench.random({c.rows, 1, c.tokens, c.in}, 3, 4);
  const std::int64_t results = c.geglu ? c.out / 2 : c.out;
  const Tensor out = bench.empty({c.rows, 1, c.tokens, results}, 2);
  LinearOptions options;
  options.activation = c.activation;
  if (c.residual) {
    options.residual = bench.random(out.shape, 5);
  }
  bench.device().linear(x, *packed, options, out);

  const auto product = [&](auto n, auto t, auto o) {
    double sum = c.bias ? bias[static_cast<std::size_t>(o)] : 0;
    for (std::int64_t i = 0; i < c.in; ++i) {
      sum += at(x, n, 0, t, i) * weight[static_cast<std::size_t>(o * c.in + i)];
    }
    return sum;
  };
  const double error = reference::largest_error(out, [&](auto n, auto, auto t, auto o) {
    double value = product(n, t, o);
    if (c.geglu) {
      value *= reference::activate(Activation::gelu, product(n, t, results + o));
    }
    return reference::activate(c.activation, value + (c.residual ? at(options.residual, n, 0, t, o) : 0));
  });
  EXPECT_LT(error, bench.limit(5e-6));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Linear,
    testing::Values(LinearCase{1, 1, 64, 320}, LinearCase{1, 77, 48, 96},
                    LinearCase{3, 24, 192, 192, false, false, true},
                    LinearCase{2, 100, 32, 7, false, true, false, Activation::silu},
                    LinearCase{1, 97, 20, 130, false, true, true, Activation::quick_gelu},
                    LinearCase{1, 50, 16, 128, true}, LinearCase{2, 33, 24, 80, true, false},
                    LinearCase{1, 9, 8, 12, true, true}, LinearCase{1, 200, 40, 320, true, true},
                    LinearCase{1, 30, 3000, 70, false, true, true, Activation::gelu},
                    LinearCase{1, 300, 256, 256, false, true, false, Activation::relu}));

}  // namespace
}  // namespace streamdiffusion
