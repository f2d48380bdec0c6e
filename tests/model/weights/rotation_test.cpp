#include "model/weights/rotation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "model/errors.h"
#include "model/weights/adapter_tensor.h"

namespace streamdiffusion {
namespace {

std::vector<float> rotated(const Rotation& rotation, float scale, const LayerShape& shape) {
  std::vector<float> weight(static_cast<std::size_t>(shape.out * shape.in));
  for (std::size_t i = 0; i < weight.size(); ++i) {
    weight[i] = std::sin(static_cast<float>(i) + 1);
  }
  check_change(rotation, shape, "layer");
  apply_change(rotation, scale, weight);
  return weight;
}

/// For blocks of two, Cayley's transform of [[0, t], [-t, 0]] is a rotation by 2 * atan(t).
TEST(Rotation, TurnsPairsOfInputs) {
  const std::vector<float> tangents = {0.3F, -0.5F};
  const auto triangles = make_tensor(tangents, {2, 1});
  const std::vector<float> weight = rotated({.triangles = triangles.get()}, 1, {3, 4, 1});
  for (std::size_t n = 0; n < 6; ++n) {
    const double angle = 2 * std::atan(static_cast<double>(tangents[n % 2]));
    const double first = std::sin(2.0 * static_cast<double>(n) + 1);
    const double second = std::sin(2.0 * static_cast<double>(n) + 2);
    EXPECT_NEAR(weight[2 * n], std::cos(angle) * first - std::sin(angle) * second, 1e-6);
    EXPECT_NEAR(weight[2 * n + 1], std::sin(angle) * first + std::cos(angle) * second, 1e-6);
  }
}

TEST(Rotation, KeepsLengthsAndOneBlockMayServeAllInputs) {
  const auto triangles = make_tensor({0.7F, -1.1F, 0.4F}, {1, 3});
  const std::vector<float> before = rotated({.triangles = triangles.get(), .is_shared = true}, 0, {2, 6, 1});
  const std::vector<float> after = rotated({.triangles = triangles.get(), .is_shared = true}, 1, {2, 6, 1});
  for (std::size_t first = 0; first < before.size(); first += 3) {
    const auto length = [first](const std::vector<float>& of) {
      return std::hypot(of[first], of[first + 1], of[first + 2]);
    };
    EXPECT_NEAR(length(after), length(before), 1e-6);
    EXPECT_NE(after[first], before[first]);
  }
}

TEST(Rotation, TheSeriesTendsToTheInverseOfTheTransform) {
  const auto triangles = make_tensor({0.1F, -0.2F, 0.05F}, {1, 3});
  const auto turned_back = make_tensor({-0.1F, 0.2F, -0.05F}, {1, 3});
  const std::vector<float> series = rotated({.triangles = triangles.get(), .series_terms = 30}, 1, {2, 3, 1});
  const std::vector<float> exact = rotated({.triangles = turned_back.get()}, 1, {2, 3, 1});
  for (std::size_t i = 0; i < series.size(); ++i) {
    EXPECT_NEAR(series[i], exact[i], 1e-6);
  }
}

TEST(Rotation, TheSeriesTakesItsLastTermOnce) {
  const double t = 0.5;  // Q^2 = -t^2 I for blocks of two
  const auto triangles = make_tensor({0.5F}, {1, 1});
  const auto expect = [&](std::int64_t terms, double on_diagonal, double beside) {
    const std::vector<float> weight =
        rotated({.triangles = triangles.get(), .series_terms = terms}, 1, {1, 2, 1});
    EXPECT_NEAR(weight[0], on_diagonal * std::sin(1.0) + beside * std::sin(2.0), 1e-6) << terms;
  };
  expect(1, 1, 0);
  expect(2, 1, 2 * t);
  expect(3, 1 - 2 * t * t, 2 * t - t * t * t);
  expect(4, 1 - 2 * t * t, 2 * t - t * t * t);
  expect(5, 1 - 2 * t * t + t * t * t * t, 2 * t - 2 * t * t * t);
}

TEST(Rotation, RefusesBlocksThatDoNotFitAndKernels) {
  const auto expect = [](const std::vector<std::int64_t>& shape, const LayerShape& layer, bool is_shared) {
    const auto triangles =
        make_tensor(std::vector<float>(static_cast<std::size_t>(shape[0] * shape[1])), shape);
    expect_error(
        [&] { check_change(Rotation{.triangles = triangles.get(), .is_shared = is_shared}, layer, "layer"); },
        {"layer", "OFT"});
  };
  expect({2, 1}, {4, 6, 1}, false);
  expect({2, 2}, {4, 4, 1}, false);  // no triangle has two elements
  expect({2, 1}, {4, 4, 1}, true);
  expect({1, 3}, {4, 4, 1}, true);
  expect({18, 1}, {4, 4, 9}, false);
}

}  // namespace
}  // namespace streamdiffusion
