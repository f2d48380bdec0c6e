#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>

#include "device/cpu/reduced/reduced_cases.h"
#include "device/cpu/reduced/reduced_kernel.h"
#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

/// Values quantised by plain loops: value = scale * (byte - zero).
struct Rounded {
  double scale = 1;
  std::int64_t zero = 0;
  std::vector<std::int64_t> bytes;
};

/// Quantises activations as the device does: to unsigned int8 over a range that includes zero.
Rounded round_activations(const std::vector<float>& values) {
  Rounded rounded;
  const float low = std::min(0.0F, *std::ranges::min_element(values));
  const float high = std::max(0.0F, *std::ranges::max_element(values));
  const float scale = (high - low) / 255.0F;
  const float inverse = 1.0F / scale;
  rounded.scale = scale;
  rounded.zero = static_cast<std::int64_t>(std::nearbyint(-low / scale));
  for (const float value : values) {
    rounded.bytes.push_back(std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::nearbyint(value * inverse)) + rounded.zero, 0, 255));
  }
  return rounded;
}

/// Largest magnitude of int8 weights.
float largest_weight(const cpu::Features& features) { return cpu::adds_in_16_bits(features) ? 64 : 127; }

/// Quantises the weights of one output channel to int8 of magnitudes up to `most`.
Rounded round_weights(const float* values, std::int64_t count, float most) {
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(values[i]));
  }
  Rounded rounded{.scale = static_cast<double>(largest / most), .bytes = {}};
  const float inverse = 1.0F / (largest / most);
  for (std::int64_t i = 0; i < count; ++i) {
    rounded.bytes.push_back(static_cast<std::int64_t>(std::nearbyint(values[i] * inverse)));
  }
  return rounded;
}

struct ReducedLinearCase {
  std::int64_t rows, tokens, in, out;
  bool geglu = false;
  bool residual = false;
  Activation activation = Activation::none;
};

void PrintTo(const ReducedLinearCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.tokens << " " << c.in << "->" << c.out << (c.geglu ? " geglu" : "");
}

/// Error of an int8 linear layer relative to plain loops over the same integers.
double int8_error(Bench& bench, const cpu::Features& features, const ReducedLinearCase& c) {
  const std::vector<float> weight = reference::random_values(c.out * c.in, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  const Weights packed = bench.device().pack_linear({weight, bias, c.out, c.in, c.geglu, Precision::int8});
  const Tensor x = bench.random({c.rows, 1, c.tokens, c.in}, 3, 3);
  const std::int64_t results = c.geglu ? c.out / 2 : c.out;
  const Tensor out = bench.empty({c.rows, 1, c.tokens, results}, 2);
  LinearOptions options;
  options.activation = c.activation;
  if (c.residual) {
    options.residual = bench.random(out.shape, 5);
  }
  bench.device().linear(x, *packed, options, out);

  std::vector<Rounded> inputs;
  for (std::int64_t token = 0; token < x.shape.pixels(); ++token) {
    const float* from = x.as<const float>() + token * x.stride;
    inputs.push_back(round_activations({from, from + c.in}));
  }
  std::vector<Rounded> columns;
  for (std::int64_t o = 0; o < c.out; ++o) {
    columns.push_back(round_weights(weight.data() + o * c.in, c.in, largest_weight(features)));
  }
  const auto product = [&](auto n, auto t, auto o) {
    const Rounded& input = inputs[static_cast<std::size_t>(n * c.tokens + t)];
    const Rounded& column = columns[static_cast<std::size_t>(o)];
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < input.bytes.size(); ++i) {
      sum += (input.bytes[i] - input.zero) * column.bytes[i];
    }
    return static_cast<double>(sum) * input.scale * column.scale + bias[static_cast<std::size_t>(o)];
  };
  return reference::largest_error(out, [&](auto n, auto, auto t, auto o) {
    double value = product(n, t, o);
    if (c.geglu) {
      value *= reference::activate(Activation::gelu, product(n, t, results + o));
    }
    return reference::activate(c.activation, value + (c.residual ? at(options.residual, n, 0, t, o) : 0));
  });
}

/// Error of a bf16 linear layer relative to the device's float32, for inputs and weights that are bfloat16.
double bf16_error(Bench& bench, const ReducedLinearCase& c) {
  const std::vector<float> weight = reference::random_bf16(c.out * c.in, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  HostLinear layer{weight, bias, c.out, c.in, c.geglu};
  const Tensor x = bench.random_bf16({c.rows, 1, c.tokens, c.in}, 3, 3);
  const Shape shape{c.rows, 1, c.tokens, c.geglu ? c.out / 2 : c.out};
  const Tensor want = bench.empty(shape);
  const Tensor got = bench.empty(shape, 2);
  LinearOptions options{.activation = c.activation};
  if (c.residual) {
    options.residual = bench.random(shape, 5);
  }
  bench.device().linear(x, *bench.device().pack_linear(layer), options, want);
  layer.precision = Precision::bf16;
  bench.device().linear(x, *bench.device().pack_linear(layer), options, got);
  return reference::largest_error(got,
                                  [&](auto n, auto y, auto px, auto o) { return at(want, n, y, px, o); });
}

class ReducedLinear : public testing::TestWithParam<ReducedLinearCase> {};

TEST_P(ReducedLinear, GivesWhatPlainLoopsGiveOfTheSameIntegers) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_LT(int8_error(bench, features, GetParam()), 1e-6);  // A byte that is off by 1 gives 1e-4 or more.
  }
}

TEST_P(ReducedLinear, IsExactOfBfloat16) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_LT(bf16_error(bench, GetParam()), 1e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ReducedLinear,
    testing::Values(ReducedLinearCase{1, 1, 64, 320}, ReducedLinearCase{1, 77, 48, 96},
                    ReducedLinearCase{3, 24, 192, 192, false, true},
                    ReducedLinearCase{2, 100, 33, 10, false, false, Activation::silu},
                    ReducedLinearCase{1, 97, 22, 130, false, true, Activation::quick_gelu},
                    ReducedLinearCase{1, 50, 16, 128, true}, ReducedLinearCase{2, 33, 27, 80, true},
                    ReducedLinearCase{1, 200, 40, 320, true, true},
                    ReducedLinearCase{1, 30, 3000, 70, false, true, Activation::gelu},
                    ReducedLinearCase{1, 300, 256, 256, false, false, Activation::relu}));

double int8_error(Bench& bench, const cpu::Features& features, const ConvCase& c) {
  const std::int64_t inner = c.in * c.kernel * c.kernel;
  const std::vector<float> weight = reference::random_values(c.out * inner, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  const Weights packed =
      bench.device().pack_conv2d({weight, bias, c.out, c.in, c.kernel, c.resample, Precision::int8});
  const Tensor x = bench.random({c.rows, c.h, c.w, c.in}, 3, c.extra);
  const std::int64_t stride = c.resample == Resample::down ? 2 : 1;
  const Tensor out = bench.empty({c.rows, (c.h - 1) / stride + 1, (c.w - 1) / stride + 1, c.out}, c.extra);
  const Conv2dOptions options = options_of(bench, c, out.shape);
  bench.device().conv2d(x, *packed, options, out);

  std::vector<Rounded> rows;
  for (std::int64_t n = 0; n < c.rows; ++n) {
    std::vector<float> values;
    for (std::int64_t pixel = 0; pixel < c.h * c.w; ++pixel) {
      const float* from = x.as<const float>() + (n * c.h * c.w + pixel) * x.stride;
      values.insert(values.end(), from, from + c.in);
    }
    rows.push_back(round_activations(values));
  }
  std::vector<Rounded> columns;
  for (std::int64_t o = 0; o < c.out; ++o) {
    columns.push_back(round_weights(weight.data() + o * inner, inner, largest_weight(features)));
  }
  return reference::largest_error(out, [&](auto n, auto y, auto px, auto o) {
    const Rounded& input = rows[static_cast<std::size_t>(n)];
    const Rounded& column = columns[static_cast<std::size_t>(o)];
    std::int64_t sum = 0;
    for (std::int64_t ky = 0; ky < c.kernel; ++ky) {
      for (std::int64_t kx = 0; kx < c.kernel; ++kx) {
        const std::int64_t iy = y * stride + ky - c.padding;
        const std::int64_t ix = px * stride + kx - c.padding;
        if (iy < 0 || ix < 0 || iy >= c.h || ix >= c.w) {
          continue;
        }
        for (std::int64_t i = 0; i < c.in; ++i) {
          const std::int64_t pixel = iy * c.w + ix;
          sum += (input.bytes[static_cast<std::size_t>(pixel * c.in + i)] - input.zero) *
                 column.bytes[static_cast<std::size_t>((i * c.kernel + ky) * c.kernel + kx)];
        }
      }
    }
    double value = static_cast<double>(sum) * input.scale * column.scale + bias[static_cast<std::size_t>(o)];
    value += c.row_bias ? at(options.row_bias, n, 0, 0, o) : 0;
    value += c.residual ? at(options.residual, n, y, px, o) : 0;
    return reference::activate(c.activation, value);
  });
}

double bf16_error(Bench& bench, const ConvCase& c) {
  const std::vector<float> weight = reference::random_bf16(c.out * c.in * c.kernel * c.kernel, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  HostConv2d layer{weight, bias, c.out, c.in, c.kernel, c.resample};
  const Tensor x = bench.random_bf16({c.rows, c.h, c.w, c.in}, 3, c.extra);
  Shape shape{c.rows, c.h, c.w, c.out};
  if (c.resample == Resample::down) {
    shape.h = (c.h + 1) / 2;
    shape.w = (c.w + 1) / 2;
  }
  const Conv2dOptions options = options_of(bench, c, shape);
  const Tensor want = bench.empty(shape);
  const Tensor got = bench.empty(shape, c.extra);
  bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, want);
  layer.precision = Precision::bf16;
  bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, got);
  return reference::largest_error(got,
                                  [&](auto n, auto y, auto px, auto o) { return at(want, n, y, px, o); });
}

class ReducedConv2d : public testing::TestWithParam<ConvCase> {};

TEST_P(ReducedConv2d, GivesWhatPlainLoopsGiveOfTheSameIntegers) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_LT(int8_error(bench, features, GetParam()), 1e-6);
  }
}

TEST_P(ReducedConv2d, IsExactOfBfloat16) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_LT(bf16_error(bench, GetParam()), 2e-5);  // Winograd's algorithm is not exact.
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ReducedConv2d,
    testing::Values(ConvCase{1, 32, 32, 16, 16, 3, 1}, ConvCase{2, 19, 48, 9, 7, 3, 1, Resample::none, true},
                    ConvCase{3, 24, 32, 8, 8, 3, 1, Resample::none, true, true, Activation::silu},
                    ConvCase{1, 48, 96, 17, 13, 3, 1, Resample::down},
                    ConvCase{2, 16, 16, 8, 6, 3, 0, Resample::down}, ConvCase{1, 20, 100, 5, 5, 3, 1},
                    ConvCase{1, 96, 80, 4, 4, 1, 0, Resample::none, false, true},
                    ConvCase{2, 40, 24, 6, 6, 1, 0, Resample::none, true}, ConvCase{1, 16, 70, 1, 1, 3, 1},
                    ConvCase{1, 16, 8, 1, 33, 3, 1},
                    ConvCase{1, 18, 20, 6, 6, 3, 1, Resample::none, true, true, Activation::relu, 7},
                    ConvCase{1, 700, 70, 6, 7, 3, 1, Resample::none, true, true, Activation::silu}));

struct UpsamplingCase {
  std::int64_t rows, in, out, h, w;
  bool less_h, less_w;  // True if the output is a line (a column) short of twice the input.
  Activation activation = Activation::none;
};

void PrintTo(const UpsamplingCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.h << "x" << c.w << (c.less_h ? " a line less" : "")
      << (c.less_w ? " a column less" : "");
}

/// Fills a tensor with integers from 0 to 255, both ends in each pixel: int8 and bfloat16 represent them.
void fill_exactly(const Tensor& x) {
  std::mt19937 random(3);
  for (std::int64_t pixel = 0; pixel < x.shape.pixels(); ++pixel) {
    float* const to = x.pixels(pixel, 1).as<float>();
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      to[c] = static_cast<float>(c == 0 ? 0 : c == 1 ? 255 : random() % 256);
    }
  }
}

/// Kernels with a single weight that is not zero, of the largest int8 magnitude. Adding their weights, as
/// upsampling layers do, therefore gives the same two values.
std::vector<float> exact_kernels(std::int64_t count) {
  constexpr std::int64_t kTaps = 9;
  std::vector<float> weight(static_cast<std::size_t>(count * kTaps));
  for (std::int64_t i = 0; i < count; ++i) {
    weight[static_cast<std::size_t>(i * kTaps + i * 5 % kTaps)] = i % 3 == 0 ? -127.0F : 127.0F;
  }
  return weight;
}

class ReducedUpsampling : public testing::TestWithParam<UpsamplingCase> {};

TEST_P(ReducedUpsampling, GivesWhatTheUpsampledImageGivesInFloat32) {
  const UpsamplingCase& c = GetParam();
  for (const cpu::Features& features : reference::all_features()) {
    for (const Precision precision : {Precision::int8, Precision::int16, Precision::bf16}) {
      Bench bench(2, features);
      const std::vector<float> weight = exact_kernels(c.in * c.out);
      const std::vector<float> bias = reference::random_values(c.out, 2);
      HostConv2d layer{weight, bias, c.out, c.in, 3, Resample::up};
      const Tensor x = bench.empty({c.rows, c.h, c.w, c.in});
      fill_exactly(x);
      const Shape shape{c.rows, 2 * c.h - (c.less_h ? 1 : 0), 2 * c.w - (c.less_w ? 1 : 0), c.out};
      Conv2dOptions options{.padding = 1, .activation = c.activation};
      options.row_bias = bench.random({c.rows, 1, 1, c.out}, 4, 5);
      options.residual = bench.random(shape, 5, 3);
      const Tensor want = bench.empty(shape);
      const Tensor got = bench.empty(shape, 3);
      bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, want);
      layer.precision = precision;
      bench.device().conv2d(x, *bench.device().pack_conv2d(layer), options, got);
      const double error = reference::largest_error(
          got, [&](auto n, auto y, auto px, auto o) { return at(want, n, y, px, o); });
      EXPECT_LT(error, 2e-5) << "precision " << static_cast<int>(precision);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, ReducedUpsampling,
                         testing::Values(UpsamplingCase{2, 24, 40, 6, 5, false, false},
                                         UpsamplingCase{1, 25, 65, 8, 8, false, false, Activation::silu},
                                         UpsamplingCase{1, 16, 70, 30, 40, false, false},
                                         UpsamplingCase{2, 24, 40, 6, 5, true, false},
                                         UpsamplingCase{1, 33, 20, 5, 7, false, true},
                                         UpsamplingCase{3, 64, 130, 9, 4, true, true, Activation::silu},
                                         UpsamplingCase{1, 64, 64, 160, 150, true, true}));

TEST(Reduced, StaysWithinWhatRoundingCosts) {
  constexpr std::int64_t kIn = 40;
  constexpr std::int64_t kOut = 24;
  Bench bench;
  const std::vector<float> weight = reference::random_values(kOut * kIn, 1);
  const Weights exact = bench.device().pack_linear({weight, {}, kOut, kIn});
  const Weights rounded = bench.device().pack_linear({weight, {}, kOut, kIn, false, Precision::int8});
  const Tensor x = bench.random({1, 1, 30, kIn}, 3);
  const Tensor want = bench.empty({1, 1, 30, kOut});
  const Tensor got = bench.empty({1, 1, 30, kOut});
  bench.device().linear(x, *exact, {}, want);
  bench.device().linear(x, *rounded, {}, got);
  const float most_weight = largest_weight(cpu::Features::detect());
  double most = 0;
  for (std::int64_t t = 0; t < 30; ++t) {
    const float* values = x.as<const float>() + t * kIn;
    const double x_step = round_activations({values, values + kIn}).scale;
    for (std::int64_t o = 0; o < kOut; ++o) {
      const double weight_step = round_weights(weight.data() + o * kIn, kIn, most_weight).scale;
      double bound = 1e-5;
      for (std::int64_t i = 0; i < kIn; ++i) {
        // Rounding costs half a step. Activations at the ends of the range may lose a whole step, since the
        // zero point is rounded as well.
        bound += x_step * std::abs(weight[static_cast<std::size_t>(o * kIn + i)]) +
                 weight_step / 2 * (std::abs(values[i]) + x_step);
      }
      const double difference = std::abs(at(want, 0, 0, t, o) - at(got, 0, 0, t, o));
      EXPECT_LT(difference, bound);
      most = std::max(most, difference);
    }
  }
  EXPECT_GT(most, 1e-4) << "it was not rounded at all";
}

TEST(Reduced, AddsTheLargestProductsWithoutOverflow) {
  constexpr std::int64_t kIn = 200;
  constexpr std::int64_t kOut = 16;
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(1, features);
    std::vector<float> weight(kIn * kOut, 1.0F);
    std::fill_n(weight.begin(), kIn * kOut / 2, -1.0F);
    const Weights packed = bench.device().pack_linear({weight, {}, kOut, kIn, false, Precision::int8});
    const Tensor x = bench.empty({1, 1, 8, kIn});
    std::fill_n(x.as<float>(), x.shape.elements(), 1.0F);
    const Tensor out = bench.empty({1, 1, 8, kOut});
    bench.device().linear(x, *packed, {}, out);
    const auto sum = [](auto, auto, auto, auto o) { return static_cast<double>(o < kOut / 2 ? -kIn : kIn); };
    EXPECT_LT(reference::largest_error(out, sum), 1e-4);
  }
}

TEST(Reduced, RoundsInputsToBfloat16WhereTheMachineGainsByIt) {
  constexpr std::int64_t kChannels = 64;
  const std::vector<float> weight = reference::random_bf16(kChannels * kChannels, 1);
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(1, features);
    const Tensor x = bench.random({1, 1, 9, kChannels}, 2);
    const Tensor rounded = bench.random_bf16({1, 1, 9, kChannels}, 2);
    const Tensor want = bench.empty(x.shape);
    const Tensor got = bench.empty(x.shape);
    HostLinear layer{weight, {}, kChannels, kChannels};
    bench.device().linear(features.bf16 ? rounded : x, *bench.device().pack_linear(layer), {}, want);
    layer.precision = Precision::bf16;
    bench.device().linear(x, *bench.device().pack_linear(layer), {}, got);
    EXPECT_LT(reference::largest_error(got, [&](auto, auto, auto t, auto c) { return at(want, 0, 0, t, c); }),
              1e-6);
  }
}

/// Error of an int8 convolution relative to float32.
double error_of_bytes(Bench& bench, std::int64_t in, std::int64_t out) {
  const std::vector<float> weight = reference::random_values(out * in * 9, 1);
  HostConv2d layer{weight, {}, out, in, 3};
  const Tensor x = bench.random({1, 7, 7, in}, 2);
  const Tensor want = bench.empty({1, 7, 7, out});
  const Tensor got = bench.empty({1, 7, 7, out});
  bench.device().conv2d(x, *bench.device().pack_conv2d(layer), {.padding = 1}, want);
  layer.precision = Precision::int8;
  bench.device().conv2d(x, *bench.device().pack_conv2d(layer), {.padding = 1}, got);
  return difference(got, want);
}

TEST(Reduced, KeepsANetworksFirstLayersExactAndItsLastOnesOutOfInt8) {
  for (const cpu::Features& features : reference::all_features()) {
    Bench bench(2, features);
    EXPECT_EQ(error_of_bytes(bench, 4, 64), 0);
    EXPECT_LE(error_of_bytes(bench, 64, 4), features.amx ? 0.05 : 0) << "sums are of 576 products";
  }
}

TEST(Reduced, TakesZerosAndNumbersThatAreNone) {
  Bench bench;
  const std::vector<float> weight = reference::random_values(32 * 32, 1);
  const std::vector<float> bias = reference::random_values(32, 2);
  const Weights packed = bench.device().pack_linear({weight, bias, 32, 32, false, Precision::int8});
  const Tensor x = bench.empty({1, 1, 3, 32});
  std::fill_n(x.as<float>(), 3 * 32, 0.0F);
  x.as<float>()[32] = std::numeric_limits<float>::infinity();
  x.as<float>()[64] = std::numeric_limits<float>::quiet_NaN();
  const Tensor out = bench.empty({1, 1, 3, 32});
  bench.device().linear(x, *packed, {}, out);
  for (std::int64_t o = 0; o < 32; ++o) {
    EXPECT_EQ(at(out, 0, 0, 0, o), bias[static_cast<std::size_t>(o)]);
    EXPECT_FALSE(std::isfinite(at(out, 0, 0, 1, o)));
    EXPECT_FALSE(std::isfinite(at(out, 0, 0, 2, o)));
  }
}

}  // namespace
}  // namespace streamdiffusion
