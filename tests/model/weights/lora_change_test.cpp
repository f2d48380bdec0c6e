#include "model/weights/lora_change.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <deque>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

/// Creates tensors of pseudo-random numbers that live as long as the test.
class LoraChangeTest : public testing::Test {
 protected:
  const FileTensor* tensor(const std::vector<std::int64_t>& shape) {
    std::size_t elements = 1;
    for (const std::int64_t extent : shape) {
      elements *= static_cast<std::size_t>(extent);
    }
    std::vector<float>& values = values_.emplace_back(elements);
    for (float& value : values) {
      state_ = state_ * 1664525U + 1013904223U;
      value = static_cast<float>(state_ >> 8U) / static_cast<float>(1U << 24U) - 0.5F;
    }
    return &tensors_.emplace_back(FileTensor{DType::f32, shape, std::as_bytes(std::span(values))});
  }

  /// Returns base(shape) after the change.
  std::vector<float> apply(const LoraChange& change, float scale, const LayerShape& shape) {
    check_change(change, shape, "test");
    std::vector<float> weight = base(shape);
    apply_change(change, scale, shape, weight, weight);
    return weight;
  }

  static std::vector<float> base(const LayerShape& shape) {
    std::vector<float> weight(static_cast<std::size_t>(shape.out * shape.in * shape.pixels));
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight[i] = std::sin(static_cast<float>(i) + 1);
    }
    return weight;
  }

  /// Expects that the change adds delta(o, i, t) for output channel o, input channel i and kernel pixel t.
  void expect_delta(const LoraChange& change, float scale, const LayerShape& shape,
                    const std::function<double(std::size_t, std::size_t, std::size_t)>& delta) {
    const std::vector<float> before = base(shape);
    const std::vector<float> weight = apply(change, scale, shape);
    const auto in = static_cast<std::size_t>(shape.in);
    const auto pixels = static_cast<std::size_t>(shape.pixels);
    for (std::size_t n = 0; n < weight.size(); ++n) {
      const double expected =
          static_cast<double>(before[n]) + delta(n / (in * pixels), n / pixels % in, n % pixels);
      ASSERT_NEAR(weight[n], expected, 1e-6) << n;
    }
  }

  /// Returns the element of a tensor at a linear index.
  static double at(const FileTensor* tensor, std::size_t place) {
    std::vector<float> values(static_cast<std::size_t>(tensor->elements()));
    convert_to_float(*tensor, values);
    return static_cast<double>(values.at(place));
  }

 private:
  std::deque<std::vector<float>> values_;
  std::deque<FileTensor> tensors_;
  std::uint32_t state_ = 1;
};

TEST_F(LoraChangeTest, LoraIsUpTimesDown) {
  const FileTensor* const up = tensor({5, 3});
  const FileTensor* const down = tensor({3, 7});
  const LoraChange change{.first = {.left = up, .right = down}, .factor = 0.5F};
  expect_delta(change, -0.8F, {5, 7, 1}, [&](std::size_t o, std::size_t i, std::size_t) {
    double sum = 0;
    for (std::size_t r = 0; r < 3; ++r) {
      sum += at(up, o * 3 + r) * at(down, r * 7 + i);
    }
    return -0.4 * sum;
  });
}

TEST_F(LoraChangeTest, LoConTakesAKernelInDown) {
  const FileTensor* const up = tensor({4, 2, 1, 1});
  const FileTensor* const down = tensor({2, 3, 3, 3});
  expect_delta({.first = {.left = up, .right = down}}, 1, {4, 3, 9},
               [&](std::size_t o, std::size_t i, std::size_t t) {
                 double sum = 0;
                 for (std::size_t r = 0; r < 2; ++r) {
                   sum += at(up, o * 2 + r) * at(down, (r * 3 + i) * 9 + t);
                 }
                 return sum;
               });
}

TEST_F(LoraChangeTest, LoConTakesAKernelInUp) {
  const FileTensor* const up = tensor({4, 2, 3, 3});
  const FileTensor* const down = tensor({2, 3, 1, 1});
  expect_delta({.first = {.left = up, .right = down}}, 1, {4, 3, 9},
               [&](std::size_t o, std::size_t i, std::size_t t) {
                 double sum = 0;
                 for (std::size_t r = 0; r < 2; ++r) {
                   sum += at(up, (o * 2 + r) * 9 + t) * at(down, r * 3 + i);
                 }
                 return sum;
               });
}

TEST_F(LoraChangeTest, LoConTakesAMiddle) {
  const FileTensor* const up = tensor({4, 2, 1, 1});
  const FileTensor* const mid = tensor({2, 2, 3, 3});
  const FileTensor* const down = tensor({2, 3, 1, 1});
  expect_delta({.first = {.left = up, .right = down, .core = mid}}, 1, {4, 3, 9},
               [&](std::size_t o, std::size_t i, std::size_t t) {
                 double sum = 0;
                 for (std::size_t a = 0; a < 2; ++a) {
                   for (std::size_t b = 0; b < 2; ++b) {
                     sum += at(up, o * 2 + a) * at(mid, (a * 2 + b) * 9 + t) * at(down, b * 3 + i);
                   }
                 }
                 return sum;
               });
}

TEST_F(LoraChangeTest, LoHaMultipliesTwoProductsElementByElement) {
  const FileTensor* const w1_a = tensor({4, 2});
  const FileTensor* const w1_b = tensor({2, 27});
  const FileTensor* const w2_a = tensor({4, 2});
  const FileTensor* const w2_b = tensor({2, 27});
  const LoraChange change{.kind = LoraChange::Kind::loha,
                          .first = {.left = w1_a, .right = w1_b},
                          .second = {.left = w2_a, .right = w2_b},
                          .factor = 0.25F};
  expect_delta(change, 2, {4, 3, 9}, [&](std::size_t o, std::size_t i, std::size_t t) {
    const auto product = [&](const FileTensor* a, const FileTensor* b) {
      return at(a, o * 2) * at(b, i * 9 + t) + at(a, o * 2 + 1) * at(b, 27 + i * 9 + t);
    };
    return 0.5 * product(w1_a, w1_b) * product(w2_a, w2_b);
  });
}

TEST_F(LoraChangeTest, LoHaTakesTuckersCores) {
  const FileTensor* const w1_a = tensor({2, 4});  // [rank, out], as with a core
  const FileTensor* const w1_b = tensor({2, 3});
  const FileTensor* const t1 = tensor({2, 2, 3, 3});
  const FileTensor* const w2_a = tensor({2, 4});
  const FileTensor* const w2_b = tensor({2, 3});
  const FileTensor* const t2 = tensor({2, 2, 3, 3});
  const LoraChange change{.kind = LoraChange::Kind::loha,
                          .first = {.left = w1_a, .right = w1_b, .core = t1, .left_is_transposed = true},
                          .second = {.left = w2_a, .right = w2_b, .core = t2, .left_is_transposed = true}};
  expect_delta(change, 1, {4, 3, 9}, [&](std::size_t o, std::size_t i, std::size_t t) {
    const auto rebuilt = [&](const FileTensor* a, const FileTensor* b, const FileTensor* core) {
      double sum = 0;
      for (std::size_t p = 0; p < 2; ++p) {
        for (std::size_t q = 0; q < 2; ++q) {
          sum += at(core, (p * 2 + q) * 9 + t) * at(a, p * 4 + o) * at(b, q * 3 + i);
        }
      }
      return sum;
    };
    return rebuilt(w1_a, w1_b, t1) * rebuilt(w2_a, w2_b, t2);
  });
}

TEST_F(LoraChangeTest, LoKrIsKroneckersProduct) {
  const FileTensor* const w1 = tensor({2, 3});
  const FileTensor* const w2 = tensor({4, 5});
  const LoraChange change{.kind = LoraChange::Kind::lokr, .first = {.whole = w1}, .second = {.whole = w2}};
  expect_delta(change, 0.5F, {8, 15, 1}, [&](std::size_t o, std::size_t i, std::size_t) {
    return 0.5 * at(w1, o / 4 * 3 + i / 5) * at(w2, o % 4 * 5 + i % 5);
  });
}

TEST_F(LoraChangeTest, LoKrTakesProductsAndKernels) {
  const FileTensor* const w1_a = tensor({2, 2});
  const FileTensor* const w1_b = tensor({2, 3});
  const FileTensor* const w2_a = tensor({4, 2});
  const FileTensor* const w2_b = tensor({2, 5, 3, 3});
  const LoraChange change{.kind = LoraChange::Kind::lokr,
                          .first = {.left = w1_a, .right = w1_b},
                          .second = {.left = w2_a, .right = w2_b}};
  expect_delta(change, 1, {8, 15, 9}, [&](std::size_t o, std::size_t i, std::size_t t) {
    double first = 0;
    double second = 0;
    for (std::size_t r = 0; r < 2; ++r) {
      first += at(w1_a, o / 4 * 2 + r) * at(w1_b, r * 3 + i / 5);
      second += at(w2_a, o % 4 * 2 + r) * at(w2_b, (r * 5 + i % 5) * 9 + t);
    }
    return first * second;
  });
}

TEST_F(LoraChangeTest, LoKrTakesTuckersCore) {
  const FileTensor* const w1 = tensor({2, 3});
  const FileTensor* const w2_a = tensor({2, 4});
  const FileTensor* const w2_b = tensor({2, 5});
  const FileTensor* const t2 = tensor({2, 2, 3, 3});
  const LoraChange change{.kind = LoraChange::Kind::lokr,
                          .first = {.whole = w1},
                          .second = {.left = w2_a, .right = w2_b, .core = t2, .left_is_transposed = true}};
  expect_delta(change, 1, {8, 15, 9}, [&](std::size_t o, std::size_t i, std::size_t t) {
    double second = 0;
    for (std::size_t p = 0; p < 2; ++p) {
      for (std::size_t q = 0; q < 2; ++q) {
        second += at(t2, (p * 2 + q) * 9 + t) * at(w2_a, p * 4 + o % 4) * at(w2_b, q * 5 + i % 5);
      }
    }
    return at(w1, o / 4 * 3 + i / 5) * second;
  });
}

TEST_F(LoraChangeTest, DoraBringsOutputsToTheirLengths) {
  const LayerShape shape{4, 3, 9};
  LoraChange change{.first = {.left = tensor({4, 2, 1, 1}), .right = tensor({2, 3, 3, 3})}};
  const std::vector<float> changed = apply(change, 0.7F, shape);
  change.lengths = tensor({4, 1, 1, 1});
  const std::vector<float> dora = apply(change, 0.7F, shape);
  for (std::size_t o = 0; o < 4; ++o) {
    double square = 0;
    for (std::size_t n = o * 27; n < (o + 1) * 27; ++n) {
      square += static_cast<double>(changed[n]) * static_cast<double>(changed[n]);
    }
    for (std::size_t n = o * 27; n < (o + 1) * 27; ++n) {
      EXPECT_NEAR(dora[n], changed[n] * at(change.lengths, o) / std::sqrt(square), 1e-6);
    }
  }
}

TEST_F(LoraChangeTest, DoraOfTheFirstKindBringsInputsToTheirLengths) {
  const LayerShape shape{4, 3, 9};
  LoraChange change{.first = {.left = tensor({4, 2, 1, 1}), .right = tensor({2, 3, 3, 3})}};
  const std::vector<float> changed = apply(change, 1, shape);
  change.lengths = tensor({1, 3, 1, 1});
  change.lengths_of_inputs = true;
  const std::vector<float> dora = apply(change, 1, shape);
  for (std::size_t n = 0; n < dora.size(); ++n) {
    const std::size_t input = n / 9 % 3;
    double square = 0;
    for (std::size_t m = 0; m < changed.size(); ++m) {
      square += m / 9 % 3 == input ? static_cast<double>(changed[m]) * static_cast<double>(changed[m]) : 0;
    }
    EXPECT_NEAR(dora[n], changed[n] * at(change.lengths, input) / std::sqrt(square), 1e-6);
  }
}

TEST_F(LoraChangeTest, DoraRescalesWhatAnotherLoraDidBeforeByTheFactorForItself) {
  const LayerShape shape{4, 6, 1};
  const LoraChange plain{.first = {.left = tensor({4, 2}), .right = tensor({2, 6})}};
  LoraChange dora{.first = {.left = tensor({4, 2}), .right = tensor({2, 6})}};
  const std::vector<float> own = base(shape);
  const std::vector<float> undirected = apply(dora, 1, shape);
  dora.lengths = tensor({4});
  const std::vector<float> with_plain = apply(plain, 1, shape);
  const std::vector<float> with_dora = apply(dora, 1, shape);
  std::vector<float> both = with_plain;
  apply_change(dora, 1, shape, own, both);
  for (std::size_t n = 0; n < both.size(); ++n) {
    const float factor = with_dora[n] / undirected[n];
    EXPECT_NEAR(both[n], factor * (with_plain[n] + undirected[n] - own[n]), 1e-5);
  }
}

TEST_F(LoraChangeTest, DoraLeavesWeightsOfZeroAlone) {
  LoraChange change{.first = {.left = tensor({2, 1}), .right = tensor({1, 3})}};
  change.lengths = tensor({2});
  std::vector<float> weight(6, 0.0F);
  apply_change(change, 0, {2, 3, 1}, weight, weight);
  EXPECT_EQ(weight, std::vector<float>(6, 0.0F));
}

TEST_F(LoraChangeTest, RefusesPartsThatDoNotFitOneAnother) {
  const auto expect = [](const LoraChange& change, const std::vector<std::string>& parts) {
    expect_error([&] { check_parts(change, "layer"); }, parts);
  };
  expect({.first = {.left = tensor({4, 3}), .right = tensor({2, 6})}}, {"layer", "rank", "[4,3]"});
  expect({.first = {.left = tensor({4}), .right = tensor({2, 6})}}, {"layer", "dimensions", "[4]"});
  expect({.first = {.left = tensor({}), .right = tensor({2, 6})}}, {"layer", "dimensions", "[]"});
  expect({.first = {.left = tensor({4, 2, 0, 0}), .right = tensor({2, 6})}}, {"layer", "empty"});
  expect({.first = {.left = tensor({4, 2, 3, 3}), .right = tensor({2, 6, 3, 3})}}, {"layer", "kernel"});
  expect({.first = {.left = tensor({4, 2}), .right = tensor({2, 6}), .core = tensor({2, 3, 3, 3})}},
         {"layer", "rank", "[2,3,3,3]"});
  expect({.kind = LoraChange::Kind::loha,
          .first = {.left = tensor({4, 2}), .right = tensor({2, 6})},
          .second = {.left = tensor({4, 2}), .right = tensor({3, 6})}},
         {"layer", "rank"});
  FileTensor integers = *tensor({2, 2});
  integers.dtype = DType::i32;
  expect({.kind = LoraChange::Kind::lokr, .first = {.whole = &integers}, .second = {.whole = tensor({2, 2})}},
         {"layer", "I32"});
}

TEST_F(LoraChangeTest, RefusesLayersThatItDoesNotFit) {
  const auto expect = [](const LoraChange& change, const LayerShape& shape,
                         const std::vector<std::string>& parts) {
    expect_error([&] { check_change(change, shape, "layer"); }, parts);
  };
  const LoraChange lora{.first = {.left = tensor({4, 2}), .right = tensor({2, 3})}};
  expect(lora, {4, 4, 1}, {"layer", "[2,3]", "[4,2]", "4 x 4"});
  expect(lora, {3, 3, 1}, {"layer", "3 x 3"});
  const LoraChange lokr{.kind = LoraChange::Kind::lokr,
                        .first = {.whole = tensor({2, 2})},
                        .second = {.whole = tensor({3, 3})}};
  expect(lokr, {6, 9, 1}, {"layer", "[2,2]", "[3,3]", "6 x 9"});
  expect(lokr, {5, 6, 1}, {"layer", "5 x 6"});
  LoraChange dora = lora;
  dora.lengths = tensor({3});
  expect(dora, {4, 3, 1}, {"layer", "lengths", "[3]"});
}

}  // namespace
}  // namespace streamdiffusion
