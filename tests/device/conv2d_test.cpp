#include <gtest/gtest.h>

#include <ostream>
#include <utility>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

struct Conv2dCase {
  std::int64_t rows, in, out, h, w, kernel, padding;
  Resample resample = Resample::none;
  bool row_bias = false;
  bool residual = false;
  Activation activation = Activation::none;
  std::int64_t extra_in = 0;
  std::int64_t extra_out = 0;
  std::int64_t side = 0;
};

void PrintTo(const Conv2dCase& c, std::ostream* os) {
  *os << c.rows << "x" << c.h << "x" << c.w << " " << c.in << "->" << c.out << " k" << c.kernel << " p"
      << c.padding
      << (c.resample == Resample::up     ? " up"
          : c.resample == Resample::down ? " down"
                                         : "");
}

constexpr Resample kNone = Resample::none;
constexpr Resample kDown = Resample::down;
constexpr Resample kUp = Resample::up;

class Conv2d : public testing::TestWithParam<Conv2dCase> {};

TEST_P(Conv2d, GivesWhatPlainLoopsGive) {
  const Conv2dCase c = GetParam();
  Bench bench;
  const std::vector<float> weight = reference::random_values(c.out * c.in * c.kernel * c.kernel, 1);
  const std::vector<float> bias = reference::random_values(c.out, 2);
  const Weights packed =
      bench.device().pack_conv2d({weight, bias, c.out, c.in, c.kernel, c.resample, Precision::f32, c.side});
  const Tensor x = bench.random({c.rows, c.h, c.w, c.in}, 3, c.extra_in);
  const bool upsample = c.resample == Resample::up;
  const std::int64_t stride = c.resample == Resample::down ? 2 : 1;
  const std::int64_t scale = upsample ? 2 : 1;
  // The output of an upsampling layer may be a line or column short, as in a UNet with odd latents.
  const std::int64_t full_h = c.h * scale - (upsample && c.w % 2 != 0 ? 1 : 0);
  const std::int64_t full_w = c.w * scale - (upsample && c.h % 2 != 0 ? 1 : 0);
  const std::int64_t out_h = (full_h - 1) / stride + 1;
  const std::int64_t out_w = (full_w - 1) / stride + 1;
  const Tensor out = bench.empty({c.rows, out_h, out_w, c.out}, c.extra_out);
  Conv2dOptions options;
  options.padding = c.padding;
  options.activation = c.activation;
  if (c.row_bias) {
    options.row_bias = bench.random({c.rows, 1, 1, c.out}, 4, 5);
  }
  if (c.residual) {
    options.residual = bench.random({c.rows, out_h, out_w, c.out}, 5, 3);
  }
  bench.device().conv2d(x, *packed, options, out);

  const double error = reference::largest_error(out, [&](auto n, auto y, auto px, auto o) {
    double sum = bias[static_cast<std::size_t>(o)];
    for (std::int64_t ky = 0; ky < c.kernel; ++ky) {
      for (std::int64_t kx = 0; kx < c.kernel; ++kx) {
        const std::int64_t iy = y * stride + ky - c.padding;
        const std::int64_t ix = px * stride + kx - c.padding;
        if (iy < 0 || ix < 0 || iy >= full_h || ix >= full_w) {
          continue;
        }
        for (std::int64_t i = 0; i < c.in; ++i) {
          sum += at(x, n, iy / scale, ix / scale, i) *
                 weight[static_cast<std::size_t>(((o * c.in + i) * c.kernel + ky) * c.kernel + kx)];
        }
      }
    }
    sum += c.row_bias ? at(options.row_bias, n, 0, 0, o) : 0;
    sum += c.residual ? at(options.residual, n, y, px, o) : 0;
    return reference::activate(c.activation, sum);
  });
  EXPECT_LT(error, bench.limit(3e-5));  // Winograd's transforms lose about one digit.
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Conv2d,
    testing::Values(
        Conv2dCase{1, 3, 64, 16, 16, 3, 1}, Conv2dCase{2, 4, 48, 9, 7, 3, 1, kNone, true},
        Conv2dCase{1, 64, 3, 12, 20, 3, 1},
        Conv2dCase{3, 24, 32, 8, 8, 3, 1, kNone, true, true, Activation::silu},
        Conv2dCase{1, 48, 96, 17, 13, 3, 1, kDown}, Conv2dCase{2, 16, 16, 8, 6, 3, 0, kDown},
        Conv2dCase{1, 20, 100, 5, 5, 3, 1}, Conv2dCase{1, 96, 80, 4, 4, 1, 0, kNone, false, true},
        Conv2dCase{2, 40, 24, 6, 6, 1, 0, kNone, true}, Conv2dCase{1, 16, 70, 1, 1, 3, 1},
        Conv2dCase{1, 8, 8, 1, 33, 3, 1}, Conv2dCase{2, 24, 40, 6, 5, 3, 1, kUp},
        Conv2dCase{1, 24, 40, 5, 4, 3, 1, kUp}, Conv2dCase{1, 25, 65, 8, 8, 3, 1, kUp, true, true},
        Conv2dCase{1, 12, 20, 6, 6, 3, 1, kNone, true, true, Activation::relu, 7, 9},
        Conv2dCase{1, 700, 600, 6, 7, 3, 1, kNone, true, true, Activation::silu},
        Conv2dCase{2, 64, 64, 40, 40, 3, 1, kNone, false, true,
                   Activation::relu},  // From here on by Winograd's algorithm.
        Conv2dCase{1, 32, 32, 9, 11, 3, 1},
        Conv2dCase{3, 48, 40, 8, 13, 3, 1, kNone, true, true, Activation::silu, 3, 5},
        Conv2dCase{1, 320, 320, 16, 16, 3, 1}, Conv2dCase{1, 640, 640, 8, 8, 3, 1},
        Conv2dCase{2, 33, 65, 5, 6, 3, 1, kUp, true, true}, Conv2dCase{1, 64, 64, 7, 9, 3, 1, kUp},
        Conv2dCase{1, 64, 64, 200, 180, 3, 1},
        Conv2dCase{1, 64, 64, 30, 34, 3, 1, kUp, false, false, Activation::relu},  // From here on by phases.
        Conv2dCase{2, 32, 40, 6, 8, 3, 1, kUp, true, true, Activation::silu, 3, 5},
        Conv2dCase{3, 33, 48, 10, 10, 3, 1, kUp},
        Conv2dCase{1, 48, 32, 4, 20, 3, 1, kUp, false, true, Activation::relu},
        Conv2dCase{1, 32, 32, 1, 1, 3, 1},  // Directly again, since the image is tiny.
        Conv2dCase{2, 48, 64, 8, 8, 3, 1, kNone, true, true, Activation::silu},
        Conv2dCase{1, 64, 64, 4, 3, 3, 1, kUp},
        Conv2dCase{2, 40, 3, 9, 11, 3, 1, kNone, true, true, Activation::relu, 3, 2},
        Conv2dCase{1, 16, 4, 1, 2, 3, 1},
        Conv2dCase{2, 32, 3, 5, 150, 3, 1, kNone, true, false, Activation::silu},
        Conv2dCase{1, 64, 2, 3, 67, 3, 0}, Conv2dCase{1, 32, 1, 4, 9, 3, 1, kNone, false, true},
        Conv2dCase{4, 192, 192, 4, 4, 3, 1, kNone, true, true, Activation::none, 0, 0, 4},  // By 2x2 tiles.
        Conv2dCase{1, 64, 80, 5, 7, 3, 1, kNone, true, true, Activation::silu, 3, 5, 4},
        Conv2dCase{2, 33, 40, 6, 6, 3, 1, kNone, false, true, Activation::relu, 0, 0, 6},
        Conv2dCase{1, 32, 32, 19, 16, 3, 1, kNone, true, false, Activation::relu, 0, 0, 7},
        Conv2dCase{3, 48, 64, 2, 2, 3, 1, kNone, false, true, Activation::none, 0, 0,
                   4},  // Too small for them.
        Conv2dCase{1, 3, 32, 16, 20, 5, 2, kDown},
        Conv2dCase{2, 32, 3, 6, 40, 5, 2, kUp, true, true, Activation::relu, 0, 2},
        Conv2dCase{1, 40, 4, 4, 6, 5, 2, kUp, false, true}, Conv2dCase{1, 64, 2, 5, 4, 5, 2, kUp},
        Conv2dCase{1, 32, 1, 1, 2, 5, 2, kUp}));

TEST(Conv2d, ServesEverySizeAndNumberOfRowsWithOnePacking) {
  // The three layers are computed directly, by Winograd's 4x4 tiles, and by its 2x2 tiles.
  for (const auto& [channels, side] : {std::pair<std::int64_t, std::int64_t>{24, 0}, {48, 0}, {48, 4}}) {
    Bench bench;
    const std::vector<float> weight = reference::random_values(channels * channels * 9, 1);
    const Weights packed =
        bench.device().pack_conv2d({weight, {}, channels, channels, 3, Resample::none, Precision::f32, side});
    // Each row must have the same result alone and in a batch, whatever ran before it.
    for (const Shape& shape :
         {Shape{3, 16, 16, channels}, Shape{2, 5, 9, channels}, Shape{4, 40, 24, channels}}) {
      const Tensor x = bench.random(shape, 2);
      const Tensor together = bench.empty(shape);
      bench.device().conv2d(x, *packed, {.padding = 1}, together);
      for (std::int64_t row = 0; row < shape.n; ++row) {
        const Tensor alone = bench.empty({1, shape.h, shape.w, channels});
        bench.device().conv2d(x.rows(row, 1), *packed, {.padding = 1}, alone);
        const double error = reference::largest_error(
            alone, [&](auto, auto y, auto px, auto c) { return at(together, row, y, px, c); });
        EXPECT_LT(error, bench.limit(1e-6)) << shape.h << "x" << shape.w << " row " << row;
      }
    }
  }
}

TEST(Conv2d, MayWriteOverItsResidual) {
  // The first layer's inner dimension takes several passes over the output; the second has few outputs.
  for (const auto& [in, out] : {std::pair<std::int64_t, std::int64_t>{700, 600}, {32, 3}}) {
    Bench bench;
    const std::vector<float> weight = reference::random_values(out * in * 9, 1);
    const Weights packed = bench.device().pack_conv2d({weight, {}, out, in, 3, Resample::none});
    const Tensor x = bench.random({1, 6, 6, in}, 3);
    const Tensor residual = bench.random({1, 6, 6, out}, 4);
    const Tensor apart = bench.empty({1, 6, 6, out});
    Conv2dOptions options;
    options.padding = 1;
    options.residual = residual;
    bench.device().conv2d(x, *packed, options, apart);
    bench.device().conv2d(x, *packed, options, residual);
    const double error = reference::largest_error(
        residual, [&](auto n, auto y, auto px, auto c) { return at(apart, n, y, px, c); });
    EXPECT_LE(error, bench.limit(0)) << out << " outputs";
  }
}

}  // namespace
}  // namespace streamdiffusion
