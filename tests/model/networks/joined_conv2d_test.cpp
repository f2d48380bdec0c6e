#include "model/networks/joined_conv2d.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <numeric>
#include <ostream>

#include "device/mirrored_device.h"
#include "model/networks/network_bench.h"
#include "model/temporary_folder.h"

namespace streamdiffusion {
namespace {

struct Case {
  const char* name;
  Resample first, second;
  std::int64_t in, between, out, rows, h, w;
  bool second_bias;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

/// Returns JoinedConv2d's largest deviation from the two convolutions, relative to the largest output.
double error_of(NetworkBench& bench, const Case& c) {
  const NamedConv2d first{.name = "first", .in = c.in, .out = c.between, .options = {.resample = c.first}};
  const NamedConv2d second{.name = "second",
                           .in = c.between,
                           .out = c.out,
                           .options = {.bias = c.second_bias, .resample = c.second}};
  Tensors tensors;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape, unsigned seed) {
    const std::int64_t elements =
        std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
    tensors.add(name, shape, bench.values(bench.random({.c = elements}, seed)));
  };
  add("first.weight", {c.between, c.in, 3, 3}, 1);
  add("first.bias", {c.between}, 2);
  add("second.weight", {c.out, c.between, 3, 3}, 3);
  if (c.second_bias) {
    add("second.bias", {c.out}, 4);
  }
  const TemporaryFolder folder;
  tensors.write(folder.path() / "model.safetensors");

  Context context = bench.context();
  const std::int64_t up = c.first == Resample::up ? 2 : 1;
  const std::int64_t down = c.second == Resample::down ? 2 : 1;
  const Tensor x = bench.random({c.rows, c.h, c.w, c.in}, 5);
  const Tensor between = bench.empty({c.rows, c.h * up, c.w * up, c.between});
  const Shape shape{c.rows, c.h * up / down, c.w * up / down, c.out};
  const Tensor expected = bench.empty(shape);
  const Tensor joined = bench.empty(shape);
  bench.load(TensorFiles::open(folder.path(), "model"), Lora::Network::unet, [&](LayerLoader& layers) {
    const Weights one = layers.conv2d("first", c.in, c.between, 3, first.options);
    const Weights other = layers.conv2d("second", c.between, c.out, 3, second.options);
    context.device.conv2d(x, *one, {.padding = 1}, between);
    context.device.conv2d(between, *other, {.padding = 1}, expected);
    JoinedConv2d(layers, first, second).forward(context, x, joined);
    layers.check_all_used();
  });
  const std::vector<float> zeros(static_cast<std::size_t>(shape.elements()));
  return largest_difference(bench.values(joined), bench.values(expected)) /
         largest_difference(bench.values(expected), zeros);
}

class JoinedConv2dTest : public testing::TestWithParam<Case> {};

TEST_P(JoinedConv2dTest, GivesWhatTheTwoGiveOneAfterTheOther) {
  NetworkBench bench;
  ASSERT_TRUE(bench.context().device.traits().gains_by_joined_convolutions);
  EXPECT_LT(error_of(bench, GetParam()), 1e-5);
}

TEST_P(JoinedConv2dTest, ComputesBothOnADeviceThatDoesNotGain) {
  NetworkBench bench(std::make_unique<reference::MirroredDevice>(make_cpu_device(1)));
  ASSERT_FALSE(bench.context().device.traits().gains_by_joined_convolutions);
  EXPECT_EQ(error_of(bench, GetParam()), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, JoinedConv2dTest,
    testing::Values(Case{"halved", Resample::none, Resample::down, 3, 32, 32, 2, 24, 16, false},
                    Case{"halved_with_bias", Resample::none, Resample::down, 3, 16, 20, 1, 8, 40, true},
                    Case{"halved_tiny", Resample::none, Resample::down, 3, 16, 16, 1, 2, 2, false},
                    Case{"enlarged", Resample::up, Resample::none, 32, 32, 3, 2, 12, 20, true},
                    Case{"enlarged_without_bias", Resample::up, Resample::none, 40, 24, 4, 1, 5, 8, false},
                    Case{"enlarged_tiny", Resample::up, Resample::none, 32, 16, 3, 1, 1, 1, true}),
    [](const auto& shape) { return std::string(shape.param.name); });

}  // namespace
}  // namespace streamdiffusion
