// Tests the ends of convolutions and linear layers in every precision that the processor can compute in.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <vector>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::Bench;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct EpilogueCase {
  std::int64_t in, out, size, kernel;
  Resample resample = Resample::none;
};

void PrintTo(const EpilogueCase& c, std::ostream* os) {
  *os << c.size << "x" << c.size << " " << c.in << "->" << c.out << " k" << c.kernel
      << (c.resample == Resample::up ? " up" : "");
}

/// True if every element of a tensor is NaN. Elements between its pixels are not looked at.
bool is_nan(const Tensor& x) {
  for (std::int64_t pixel = 0; pixel < x.shape.pixels(); ++pixel) {
    for (std::int64_t c = 0; c < x.shape.c; ++c) {
      if (!std::isnan(x.as<float>()[pixel * x.stride + c])) {
        return false;
      }
    }
  }
  return true;
}

class Epilogue : public testing::TestWithParam<EpilogueCase> {
 protected:
  /// Returns the output of the layer with these biases, and with `residual` unless that is empty.
  static Tensor compute(Bench& bench, Precision precision, const std::vector<float>& bias,
                        Activation activation, const Tensor& residual) {
    const EpilogueCase c = GetParam();
    const std::vector<float> weight = reference::random_values(c.out * c.in * c.kernel * c.kernel, 1);
    const Weights packed =
        bench.device().pack_conv2d({weight, bias, c.out, c.in, c.kernel, c.resample, precision, c.size});
    const Tensor out = bench.empty(out_shape());
    bench.device().conv2d(bench.random({1, c.size, c.size, c.in}, 2), *packed,
                          {.padding = c.kernel / 2, .residual = residual, .activation = activation}, out);
    return out;
  }

  static Shape out_shape() {
    const EpilogueCase c = GetParam();
    const std::int64_t size = c.resample == Resample::up ? 2 * c.size : c.size;
    return {1, size, size, c.out};
  }
};

TEST_P(Epilogue, KeepsNaNInEveryActivation) {
  const auto channels = static_cast<std::size_t>(GetParam().out);
  for (const cpu::Features& features : reference::all_features()) {
    for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int16, Precision::int8}) {
      Bench bench(1, features);
      const Tensor residual = bench.empty(out_shape());
      bench.device().upload(std::vector<float>(static_cast<std::size_t>(residual.shape.elements()), kNaN),
                            residual);
      for (const Activation activation : {Activation::none, Activation::silu, Activation::relu,
                                          Activation::gelu, Activation::quick_gelu, Activation::tanh}) {
        SCOPED_TRACE(testing::Message() << "activation " << static_cast<int>(activation) << ", precision "
                                        << static_cast<int>(precision));
        EXPECT_TRUE(is_nan(compute(bench, precision, std::vector<float>(channels, kNaN), activation, {})));
        EXPECT_TRUE(is_nan(compute(bench, precision, std::vector<float>(channels), activation, residual)));
      }
    }
  }
}

// Numbers of output channels that fill no vector, and some that do; images that no tile divides.
INSTANTIATE_TEST_SUITE_P(Layers, Epilogue,
                         testing::Values(EpilogueCase{20, 37, 5, 3},  // Directly.
                                         EpilogueCase{48, 69, 9, 3},  // By Winograd's algorithm.
                                         EpilogueCase{64, 72, 9, 3, Resample::up},  // By phases.
                                         EpilogueCase{32, 3, 9, 3},                 // As narrow outputs.
                                         EpilogueCase{48, 69, 5, 1}));              // As a matrix product.

}  // namespace
}  // namespace streamdiffusion
