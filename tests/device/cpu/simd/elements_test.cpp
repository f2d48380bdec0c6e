#include "device/cpu/simd/elements.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "device/arena.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/target.h"
#include "device/device_tensor.h"
#include "device/reference.h"

namespace streamdiffusion {
namespace {

using reference::random_values;

/// A device whose activations are bfloat16, and whose precise tensors are float32.
class MixedTypes : public testing::Test {
 protected:
  Tensor uploaded(Tensor tensor, unsigned seed) {
    device->upload(random_values(tensor.shape.elements(), seed), tensor);
    return tensor;
  }
  std::vector<float> numbers(const Tensor& tensor) {
    std::vector<float> values(static_cast<std::size_t>(tensor.shape.elements()));
    device->download(tensor, values);
    return values;
  }
  /// Returns the largest difference, relative to the largest value of `a`.
  double difference(const Tensor& a, const Tensor& b) {
    const std::vector<float> x = numbers(a);
    const std::vector<float> y = numbers(b);
    double most = 0;
    double largest = 1e-30;
    for (std::size_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, static_cast<double>(std::abs(x[i])));
      most = std::max(most, static_cast<double>(std::abs(x[i] - y[i])));
    }
    return most / largest;
  }

  const std::unique_ptr<Device> device = make_cpu_device(2, cpu::Features::detect(), DType::bf16);
  Arena arena{*device};
};

constexpr double kRounding = 0x1p-8;  // Relative error of rounding to bfloat16, for input and output.

TEST_F(MixedTypes, ActivationsAreBfloat16AndPreciseTensorsFloat32) {
  EXPECT_EQ(arena.allocate({}).dtype, DType::bf16);
  EXPECT_EQ(arena.allocate_precise({}).dtype, DType::f32);
  EXPECT_EQ(DeviceTensor(*device, {}).view().dtype, DType::f32);
}

TEST_F(MixedTypes, NumbersAreRoundedToTheNearest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  // The count fills vectors and leaves a remainder.
  std::vector<float> values = random_values(1000, 1);
  const std::vector<float> ends = {
      0.0F,      -0.0F,     kInfinity,     -kInfinity, std::numeric_limits<float>::max(),
      0x1.01p0F, 0x1.03p0F, 0x1.010002p0F, 1e-40F,     std::nanf("")};
  values.insert(values.end(), ends.begin(), ends.end());
  // A signalling NaN, and one whose bits are all set.
  values.push_back(std::bit_cast<float>(0x7F800001U));
  values.push_back(std::bit_cast<float>(0xFFFFFFFFU));
  values.insert(values.end(), ends.begin(), ends.end());
  const Tensor tensor = arena.allocate({.c = std::ssize(values)});
  device->upload(values, tensor);
  const std::vector<float> back = numbers(tensor);
  for (std::size_t i = 0; i < values.size(); ++i) {
    cpu::Bf16 one{};
    cpu::set(one, values[i]);
    EXPECT_EQ(tensor.as<const cpu::Bf16>()[i].bits, one.bits) << values[i];
    if (std::isnan(values[i])) {
      EXPECT_TRUE(std::isnan(back[i]));
    } else {
      EXPECT_EQ(back[i], reference::to_bf16(values[i]));
      EXPECT_EQ(std::signbit(back[i]), std::signbit(values[i]));
    }
  }
}

TEST_F(MixedTypes, ConvolutionsTakeAndGiveBoth) {
  struct Layer {
    std::int64_t in;
    std::int64_t out;
    std::int64_t kernel;
    Precision precision = Precision::f32;
  };
  for (const Layer& layer : {Layer{3, 64, 3}, Layer{64, 4, 3}, Layer{48, 40, 3}, Layer{700, 33, 1},
                             Layer{64, 64, 1, Precision::bf16}, Layer{64, 64, 3, Precision::bf16},
                             Layer{64, 40, 3, Precision::int8}}) {
    const std::vector<float> weight = random_values(layer.out * layer.in * layer.kernel * layer.kernel, 1);
    const Weights packed =
        device->pack_conv2d({weight, {}, layer.out, layer.in, layer.kernel, Resample::none, layer.precision});
    const Shape in{1, 12, 12, layer.in};
    const Shape out{1, 12, 12, layer.out};
    const Tensor rounded = uploaded(arena.allocate(in), 2);
    const Tensor exact = arena.allocate_precise(in);
    device->copy(rounded, exact);
    Conv2dOptions options{.padding = layer.kernel / 2, .activation = Activation::silu};
    options.row_bias = uploaded(arena.allocate_precise({.c = layer.out}), 3);
    options.residual = uploaded(arena.allocate_precise(out), 4);
    const Tensor expected = arena.allocate_precise(out);
    device->conv2d(exact, *packed, options, expected);
    const Tensor from_rounded = arena.allocate_precise(out);
    device->conv2d(rounded, *packed, options, from_rounded);
    EXPECT_LT(difference(expected, from_rounded), 1e-6) << layer.in << " to " << layer.out;
    const Tensor to_rounded = arena.allocate(out);
    device->conv2d(exact, *packed, options, to_rounded);
    EXPECT_LT(difference(expected, to_rounded), kRounding) << layer.in << " to " << layer.out;
    EXPECT_GT(difference(expected, to_rounded), 0);
  }
}

TEST_F(MixedTypes, LinearLayersReadSlicesInPlace) {
  // A multiple of an AMX tile's rows, and a number that is not.
  for (const std::int64_t tokens : {64, 77}) {
    for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8}) {
      const std::vector<float> weight = random_values(std::int64_t{96} * 64, 1);
      const Weights packed = device->pack_linear({weight, {}, 96, 64, false, precision});
      const Tensor wide = uploaded(arena.allocate({.w = tokens, .c = 192}), 2);
      const Tensor dense = arena.allocate_precise({.w = tokens, .c = 64});
      device->copy(wide.channels(64, 64), dense);
      const Tensor expected = arena.allocate_precise({.w = tokens, .c = 96});
      device->linear(dense, *packed, {}, expected);
      const Tensor out = arena.allocate({.w = tokens, .c = 96});
      device->linear(wide.channels(64, 64), *packed, {}, out);
      EXPECT_LT(difference(expected, out), kRounding);
    }
  }
}

TEST_F(MixedTypes, ElementwiseOperationsTakeAndGiveBoth) {
  const Shape shape{2, 3, 5, 21};
  const Tensor rounded = uploaded(arena.allocate(shape), 1);
  const Tensor exact = arena.allocate_precise(shape);
  device->copy(rounded, exact);
  EXPECT_EQ(difference(rounded, exact), 0);
  const Tensor expected = arena.allocate_precise(shape);
  device->map(exact, 0.5F, Activation::tanh, 2, 1, expected);
  const Tensor mapped = arena.allocate_precise(shape);
  device->map(rounded, 0.5F, Activation::tanh, 2, 1, mapped);
  EXPECT_EQ(difference(expected, mapped), 0);
  const Tensor to_rounded = arena.allocate(shape);
  device->map(exact, 0.5F, Activation::tanh, 2, 1, to_rounded);
  EXPECT_LT(difference(expected, to_rounded), kRounding);

  const std::vector<float> a = {2, 3};
  const std::vector<float> b = {-1, 0.5F};
  device->combine(exact, a, mapped, b, expected);
  device->combine(rounded, a, mapped, b, to_rounded);
  EXPECT_LT(difference(expected, to_rounded), kRounding);
  EXPECT_EQ(device->cosine_similarity(exact, mapped), device->cosine_similarity(rounded, mapped));
}

TEST_F(MixedTypes, AttentionReadsSlicesInPlace) {
  // Numbers of queries and channels that attention reads in place, and others.
  for (const std::int64_t tokens : {64, 70}) {
    for (const std::int64_t head : {32, 24}) {
      for (const Precision precision : {Precision::f32, Precision::bf16}) {
        const std::int64_t width = 2 * head;
        const Tensor wide = uploaded(arena.allocate({.w = tokens, .c = 3 * width}), 2);
        const Tensor exact = arena.allocate_precise(wide.shape);
        device->copy(wide, exact);
        const auto attend = [&](const Tensor& from) {
          const Tensor out = arena.allocate_precise({.w = tokens, .c = width});
          device->attention(from.channels(0, width), from.channels(width, width),
                            from.channels(2 * width, width), {.heads = 2, .precision = precision}, out);
          return out;
        };
        EXPECT_LT(difference(attend(exact), attend(wide)), 1e-6) << tokens << " tokens, heads of " << head;
      }
    }
  }
}

TEST(CpuActivations, AreBfloat16WhereProductsWaitForMemory) {
  EXPECT_EQ(cpu_activations(Precision::f32), DType::f32);
  EXPECT_EQ(cpu_activations(Precision::f32, {.bf16 = true}), DType::f32);
  EXPECT_EQ(cpu_activations(Precision::bf16, {}), DType::f32);
  EXPECT_EQ(cpu_activations(Precision::bf16, {.bf16 = true}), DType::bf16);
  EXPECT_EQ(cpu_activations(Precision::int8, {.bf16 = true}), DType::bf16);
  const DType in_bytes = cpu::multiplies_integers() ? DType::bf16 : DType::f32;
  EXPECT_EQ(cpu_activations(Precision::int8, {}), in_bytes);
  EXPECT_EQ(cpu_activations(Precision::int8, {.amx = true}), in_bytes);
  const bool has_bf16 = cpu::Features::detect().bf16;
  EXPECT_EQ(cpu_activations(Precision::bf16), has_bf16 ? DType::bf16 : DType::f32);
  EXPECT_EQ(cpu_activations(Precision::int8), has_bf16 ? DType::bf16 : in_bytes);
}

}  // namespace
}  // namespace streamdiffusion
