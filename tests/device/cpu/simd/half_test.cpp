#include "device/cpu/simd/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::at;
using reference::Bench;

TEST(Half, IsFoundToFitOrNot) {
  std::vector<float> values = {0.0F, -0.0F, 1.0F, -65504.0F, 0x1p-24F, 0x1.ff8p-15F, 0.0999755859375F};
  for (int i = 0; i < 100; ++i) {
    values.push_back(static_cast<float>(i - 50) / 1024);
  }
  const auto count = static_cast<std::int64_t>(values.size());
  EXPECT_TRUE(cpu::fits_half(values.data(), count));
  for (const float not_half : {0.1F, 65505.0F, 1e9F, 0x1p-25F, 0x1.ffcp-15F}) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{20}, values.size() - 1}) {
      std::vector<float> changed = values;
      changed[place] = not_half;
      EXPECT_FALSE(cpu::fits_half(changed.data(), count)) << not_half << " at " << place;
    }
  }
}

TEST(Half, IsTheNearest) {
  const std::vector<float> values = {0.0F, 1.0F, -2.0F, 65504.0F, 0x1p-24F, 0.1F, 1.00048828125F};
  const std::vector<std::uint16_t> expected = {0x0000, 0x3C00, 0xC000, 0x7BFF, 0x0001, 0x2E66, 0x3C00};
  std::vector<cpu::Half> halves(values.size());
  cpu::to_half(values.data(), static_cast<std::int64_t>(values.size()), halves.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(halves[i].bits, expected[i]) << values[i];
  }
}

/// Random values that float16 represents exactly.
std::vector<float> random_halves(std::int64_t count) {
  std::vector<float> values = reference::random_values(count, 1);
  for (float& value : values) {
    value = std::round(value * 256) / 256;
  }
  return values;
}

/// Changes one value so that float16 cannot represent it, which keeps the whole layer in float32.
std::vector<float> not_all_half(std::vector<float> values) {
  values.front() += 1e-6F;
  return values;
}

TEST(HalfWeights, ConvolveAsInFloat32) {
  struct HalfCase {
    std::int64_t in, out, kernel, side;
    Resample resample;
  };
  for (const HalfCase& c :
       {HalfCase{300, 600, 3, 1, Resample::none}, HalfCase{700, 600, 3, 7, Resample::none},
        HalfCase{260, 200, 3, 9, Resample::down}, HalfCase{700, 600, 3, 4, Resample::up},
        HalfCase{1000, 410, 1, 10, Resample::none}}) {
    Bench bench;
    const std::vector<float> weight = random_halves(c.out * c.in * c.kernel * c.kernel);
    const auto convolve = [&](const std::vector<float>& values) {
      const Weights packed = bench.device().pack_conv2d({values, {}, c.out, c.in, c.kernel, c.resample});
      const Tensor x = bench.random({2, c.side, c.side, c.in}, 3);
      const std::int64_t side = c.resample == Resample::up     ? 2 * c.side
                                : c.resample == Resample::down ? (c.side + 1) / 2
                                                               : c.side;
      const Tensor out = bench.empty({2, side, side, c.out});
      bench.device().conv2d(x, *packed, {.padding = c.kernel / 2, .activation = Activation::relu}, out);
      return out;
    };
    const Tensor expected = convolve(not_all_half(weight));
    const double error = reference::largest_error(
        convolve(weight), [&](auto n, auto y, auto x, auto o) { return at(expected, n, y, x, o); });
    EXPECT_LT(error, bench.limit(1e-7)) << c.in << "->" << c.out << " " << c.side;
  }
}

TEST(HalfWeights, MultiplyAsInFloat32) {
  struct HalfCase {
    std::int64_t in, out, tokens;
    bool geglu;
  };
  for (const HalfCase& c :
       {HalfCase{700, 600, 1, false}, HalfCase{640, 640, 77, false}, HalfCase{3000, 140, 200, false},
        HalfCase{320, 2560, 50, true}, HalfCase{330, 1300, 7, true}}) {
    Bench bench;
    const std::vector<float> weight = random_halves(c.out * c.in);
    const auto multiply = [&](const std::vector<float>& values) {
      const Weights packed = bench.device().pack_linear({values, {}, c.out, c.in, c.geglu});
      const Tensor x = bench.random({1, 1, c.tokens, c.in}, 3);
      const Tensor out = bench.empty({1, 1, c.tokens, c.geglu ? c.out / 2 : c.out});
      bench.device().linear(x, *packed, {}, out);
      return out;
    };
    const Tensor expected = multiply(not_all_half(weight));
    const double error = reference::largest_error(
        multiply(weight), [&](auto n, auto y, auto x, auto o) { return at(expected, n, y, x, o); });
    EXPECT_LT(error, bench.limit(1e-7)) << c.in << "->" << c.out << " " << c.tokens;
  }
}

}  // namespace
}  // namespace streamdiffusion
