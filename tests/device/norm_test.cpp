#include <gtest/gtest.h>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

void expect_group_norm(const Shape& shape, std::int64_t groups, float offset, Activation activation) {
  Bench bench(3);
  const Tensor x = bench.random(shape, 1, 3);
  bench.device().map(x, 1, Activation::none, 1, offset, x);
  const std::vector<float> gain = reference::random_values(shape.c, 2);
  const std::vector<float> shift = reference::random_values(shape.c, 3);
  const Tensor out = bench.empty(shape, 2);
  bench.device().group_norm(x, *bench.device().pack_vector(gain), *bench.device().pack_vector(shift), groups,
                            1e-5F, activation, out);
  const std::int64_t size = shape.c / groups;
  std::vector<double> means;
  std::vector<double> factors;
  for (std::int64_t n = 0; n < shape.n; ++n) {
    for (std::int64_t g = 0; g < groups; ++g) {
      double sum = 0;
      double square = 0;
      const auto each = [&](auto&& visit) {
        for (std::int64_t y = 0; y < shape.h; ++y) {
          for (std::int64_t px = 0; px < shape.w; ++px) {
            for (std::int64_t c = g * size; c < (g + 1) * size; ++c) {
              visit(at(x, n, y, px, c));
            }
          }
        }
      };
      const auto count = static_cast<double>(size * shape.h * shape.w);
      each([&](double v) { sum += v; });
      each([&](double v) { square += (v - sum / count) * (v - sum / count); });
      means.push_back(sum / count);
      factors.push_back(1 / std::sqrt(square / count + 1e-5));
    }
  }
  const double error = reference::largest_error(out, [&](auto n, auto y, auto px, auto c) {
    const auto group = static_cast<std::size_t>(n * groups + c / size);
    const auto channel = static_cast<std::size_t>(c);
    return reference::activate(
        activation, (at(x, n, y, px, c) - means[group]) * factors[group] * gain[channel] + shift[channel]);
  });
  EXPECT_LT(error, bench.limit(offset == 0 ? 2e-6 : 5e-5));
}

TEST(GroupNorm, GivesWhatPlainLoopsGive) {
  expect_group_norm({2, 9, 7, 32}, 8, 0, Activation::silu);
  expect_group_norm({1, 1, 1, 48}, 16, 0, Activation::none);
  expect_group_norm({1, 64, 64, 60}, 4, 0, Activation::silu);
}

TEST(GroupNorm, StaysExactFarFromZero) { expect_group_norm({1, 40, 40, 32}, 4, 1000, Activation::none); }

TEST(LayerNorm, GivesWhatPlainLoopsGive) {
  for (const std::int64_t channels : {8, 19, 320}) {
    Bench bench;
    const Tensor x = bench.random({2, 1, 30, channels}, 1, 2);
    const std::vector<float> gain = reference::random_values(channels, 2);
    const std::vector<float> shift = reference::random_values(channels, 3);
    const Tensor out = bench.empty(x.shape, 5);
    bench.device().layer_norm(x, *bench.device().pack_vector(gain), *bench.device().pack_vector(shift), 1e-5F,
                              out);
    const double error = reference::largest_error(out, [&](auto n, auto y, auto t, auto c) {
      double mean = 0;
      double variance = 0;
      for (std::int64_t i = 0; i < channels; ++i) {
        mean += at(x, n, y, t, i) / static_cast<double>(channels);
      }
      for (std::int64_t i = 0; i < channels; ++i) {
        variance += std::pow(at(x, n, y, t, i) - mean, 2) / static_cast<double>(channels);
      }
      const auto channel = static_cast<std::size_t>(c);
      return (at(x, n, y, t, c) - mean) / std::sqrt(variance + 1e-5) * gain[channel] + shift[channel];
    });
    EXPECT_LT(error, bench.limit(2e-6));
  }
}

}  // namespace
}  // namespace streamdiffusion
