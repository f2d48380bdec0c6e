#include "device/cuda/reductions.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "device/cuda/host_launch.h"
#include "device/cuda/host_tensor.h"

namespace streamdiffusion::cuda {
namespace {

struct GroupCase {
  Shape shape;
  std::int64_t groups;
  std::uint32_t blocks;
  float offset;
};

template <typename T, int V>
void expect_group_norm(const GroupCase& c, std::int64_t extra, Activation activation) {
  const HostTensor<T> x(c.shape, extra, 1);
  for (std::int64_t i = 0; i < c.shape.pixels() * x.view().stride; ++i) {
    x.view().data[i] = from_float<T>(to_float(x.view().data[i]) + c.offset);
  }
  const std::vector<float> gain = reference::random_values(c.shape.c, 2);
  const std::vector<float> shift = reference::random_values(c.shape.c, 3);
  const HostTensor<T> out(c.shape, extra);
  const std::int64_t pixels = c.shape.h * c.shape.w;
  const std::int64_t size = c.shape.c / c.groups;
  std::vector<float> sums(static_cast<std::size_t>(c.shape.n * c.blocks * c.groups * 2));
  const auto columns = static_cast<std::uint32_t>(c.shape.c / V);
  const auto rows = static_cast<std::uint32_t>(c.shape.n);
  const auto groups = static_cast<std::uint32_t>(c.groups);
  const auto channels = static_cast<std::uint32_t>(size);
  for_each_block(c.blocks, rows,
                 GroupNormSums<T, V>{x.view(), pixels, columns, groups, channels, c.blocks, sums.data()});
  for_each_block(c.blocks, rows,
                 GroupNormApply<T, V>{x.view(), out.view(), pixels, columns, groups, channels, c.blocks,
                                      sums.data(), gain.data(), shift.data(), 1e-5F, activation});

  std::vector<std::array<double, 2>> moments;
  for (std::int64_t i = 0; i < c.shape.n * c.groups; ++i) {
    const std::int64_t first = i / c.groups * pixels;
    const std::int64_t channel = i % c.groups * size;
    const auto mean_of = [&](auto&& value) {
      double sum = 0;
      for (std::int64_t pixel = first; pixel < first + pixels; ++pixel) {
        for (std::int64_t k = channel; k < channel + size; ++k) {
          sum += value(x.at(pixel, k));
        }
      }
      return sum / static_cast<double>(pixels * size);
    };
    const double mean = mean_of([](double v) { return v; });
    moments.push_back({mean, mean_of([mean](double v) { return (v - mean) * (v - mean); })});
  }
  const double error = out.largest_error([&](auto pixel, auto channel) {
    const auto [mean, variance] =
        moments[static_cast<std::size_t>(pixel / pixels * c.groups + channel / size)];
    const auto k = static_cast<std::size_t>(channel);
    return reference::activate(activation, (x.at(pixel, channel) - mean) / std::sqrt(variance + 1e-5) *
                                                   static_cast<double>(gain[k]) +
                                               static_cast<double>(shift[k]));
  });
  EXPECT_LT(error, 2 * kRounding<T> + (c.offset == 0 ? 2e-6 : 2e-4));
}

TEST(CudaGroupNorm, GivesWhatPlainLoopsGive) {
  for (const GroupCase& c : {GroupCase{{2, 9, 7, 64}, 8, 5, 0}, GroupCase{{1, 1, 1, 48}, 16, 1, 0},
                             GroupCase{{1, 16, 16, 320}, 32, 7, 0}, GroupCase{{1, 3, 2, 2560}, 32, 2, 0},
                             GroupCase{{3, 20, 20, 32}, 4, 64, 0}}) {
    expect_group_norm<float, 4>(c, 4, Activation::silu);
    expect_group_norm<float, 1>(c, 3, Activation::none);
    expect_group_norm<__half, 8>(c, 8, Activation::silu);
    expect_group_norm<__nv_bfloat16, 8>(c, 0, Activation::none);
  }
}

TEST(CudaGroupNorm, StaysExactFarFromZero) {
  expect_group_norm<float, 4>({{1, 40, 40, 32}, 4, 6, 1000}, 0, Activation::none);
}

template <typename T, int V>
void expect_layer_norm(std::int64_t channels, std::int64_t extra) {
  const HostTensor<T> x({2, 1, 15, channels}, extra, 1);
  const std::vector<float> gain = reference::random_values(channels, 2);
  const std::vector<float> shift = reference::random_values(channels, 3);
  for (const bool in_place : {false, true}) {
    const HostTensor<T> copy({2, 1, 15, channels}, extra, 1);
    const HostTensor<T> apart(x.shape(), extra);
    const HostTensor<T>& out = in_place ? copy : apart;
    using Block = LayerNorm<T, V>;
    for_each_block((30 + Block::kTokens - 1) / Block::kTokens, 1,
                   Block{in_place ? copy.view() : x.view(), out.view(), 30,
                         static_cast<std::uint32_t>(channels / V), gain.data(), shift.data(), 1e-5F});
    for (std::int64_t token = 0; token < 30; ++token) {
      double mean = 0;
      double variance = 0;
      for (std::int64_t i = 0; i < channels; ++i) {
        mean += x.at(token, i) / static_cast<double>(channels);
      }
      for (std::int64_t i = 0; i < channels; ++i) {
        variance += std::pow(x.at(token, i) - mean, 2) / static_cast<double>(channels);
      }
      for (std::int64_t i = 0; i < channels; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const double want =
            (x.at(token, i) - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(gain[k]) +
            static_cast<double>(shift[k]);
        EXPECT_NEAR(out.at(token, i), want, (std::abs(want) + 1) * (2 * kRounding<T> + 1e-6));
      }
    }
  }
}

TEST(CudaLayerNorm, GivesWhatPlainLoopsGiveAlsoInPlace) {
  expect_layer_norm<float, 1>(19, 2);
  expect_layer_norm<float, 4>(320, 4);
  expect_layer_norm<__half, 8>(320, 8);
  expect_layer_norm<__half, 1>(5, 1);
  expect_layer_norm<__nv_bfloat16, 8>(1280, 0);
}

TEST(CudaSoftmax, GivesWhatPlainLoopsGive) {
  for (const bool causal : {false, true}) {
    for (const std::int64_t keys : {1, 77, 300}) {
      constexpr std::int64_t kQueries = 5;
      constexpr std::int64_t kFirst = 40;
      constexpr std::int64_t kHeads = 3;
      const std::int64_t stride = keys + 3;
      std::vector<float> scores = reference::random_values(kHeads * kQueries * stride, 1);
      for (float& score : scores) {
        score *= 20;
      }
      std::vector<float> out(scores.size(), -1);
      for_each_block(kHeads * kQueries, 1,
                     Softmax<float>{scores.data(), out.data(), keys, stride, kQueries, kFirst, causal});
      for (std::int64_t line = 0; line < kHeads * kQueries; ++line) {
        const float* const in = scores.data() + line * stride;
        const std::int64_t seen = causal ? std::min(keys, kFirst + line % kQueries + 1) : keys;
        const double most = static_cast<double>(*std::max_element(in, in + seen));
        double sum = 0;
        for (std::int64_t key = 0; key < seen; ++key) {
          sum += std::exp(static_cast<double>(in[key]) - most);
        }
        for (std::int64_t key = 0; key < stride; ++key) {
          const double want = key >= keys   ? -1
                              : key >= seen ? 0
                                            : std::exp(static_cast<double>(in[key]) - most) / sum;
          EXPECT_NEAR(static_cast<double>(out[static_cast<std::size_t>(line * stride + key)]), want, 2e-6);
        }
      }
    }
  }
}

TEST(CudaDotProducts, AddUpOverBlocks) {
  const std::vector<float> x = reference::random_values(5000, 1);
  const std::vector<float> y = reference::random_values(5000, 2);
  constexpr std::uint32_t kBlocks = 7;
  std::vector<float> sums(kBlocks * 3);
  for_each_block(kBlocks, 1, DotProducts<float>{x.data(), y.data(), 5000, kBlocks, sums.data()});
  std::array<double, 3> got{};
  std::array<double, 3> want{};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    got[i % 3] += static_cast<double>(sums[i]);
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = static_cast<double>(x[i]);
    const double b = static_cast<double>(y[i]);
    want[0] += a * b;
    want[1] += a * a;
    want[2] += b * b;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(got[i], want[i], 2e-3);
  }
}

}  // namespace
}  // namespace streamdiffusion::cuda
