#include "model/weights/tensor_change.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/errors.h"
#include "model/weights/adapter_tensor.h"

namespace streamdiffusion {
namespace {

using Kind = TensorChange::Kind;

std::vector<float> changed(const TensorChange& change, float scale, const LayerShape& shape,
                           std::vector<float> tensor) {
  check_change(change, shape, "layer");
  apply_change(change, scale, shape, tensor);
  return tensor;
}

TEST(TensorChange, AddsDifferencesAtTheirScale) {
  const auto values = make_tensor({1, 2, 3, 4}, {2, 2});
  EXPECT_EQ(
      changed({.kind = Kind::add, .values = values.get(), .factor = 2}, 0.5F, {2, 2, 1}, {10, 20, 30, 40}),
      (std::vector<float>{11, 22, 33, 44}));
}

TEST(TensorChange, GoesAsFarTowardsTheNewValuesAsTheScaleSays) {
  const auto values = make_tensor({1, 2}, {2});
  const TensorChange change{.kind = Kind::replace, .values = values.get()};
  EXPECT_EQ(changed(change, 1, {2, 1, 1}, {10, 20}), (std::vector<float>{1, 2}));
  EXPECT_EQ(changed(change, 0, {2, 1, 1}, {10, 20}), (std::vector<float>{10, 20}));
  EXPECT_EQ(changed(change, 0.5F, {2, 1, 1}, {10, 20}), (std::vector<float>{5.5F, 11}));
}

TEST(TensorChange, ScalesOutputsOrInputs) {
  const auto values = make_tensor({2, 3}, {1, 2, 1, 1});
  const std::vector<float> weight{1, 1, 1, 1, 1, 1, 1, 1};  // [2][2][2]
  EXPECT_EQ(changed({.kind = Kind::scale_outputs, .values = values.get()}, 1, {2, 2, 2}, weight),
            (std::vector<float>{2, 2, 2, 2, 3, 3, 3, 3}));
  EXPECT_EQ(changed({.kind = Kind::scale_inputs, .values = values.get()}, 1, {2, 2, 2}, weight),
            (std::vector<float>{2, 2, 3, 3, 2, 2, 3, 3}));
  EXPECT_EQ(changed({.kind = Kind::scale_inputs, .values = values.get()}, 0.5F, {2, 2, 2}, weight),
            (std::vector<float>{1.5F, 1.5F, 2, 2, 1.5F, 1.5F, 2, 2}));
}

TEST(TensorChange, RefusesWhatDoesNotFitTheLayer) {
  const auto values = make_tensor({1, 2, 3}, {3});
  for (const Kind kind : {Kind::add, Kind::replace, Kind::scale_outputs, Kind::scale_inputs}) {
    expect_error(
        [&] {
          check_change(TensorChange{.kind = kind, .values = values.get()}, {2, 2, 1}, "layer");
        },
        {"layer", "[3]"});
  }
  FileTensor integers = *values;
  integers.dtype = DType::i32;
  expect_error(
      [&] {
        check_change(TensorChange{.values = &integers}, {3, 1, 1}, "layer");
      },
      {"layer", "I32"});
}

}  // namespace
}  // namespace streamdiffusion
