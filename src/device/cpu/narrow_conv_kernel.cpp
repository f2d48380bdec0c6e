#include <algorithm>

#include "core/round_up.h"
#include "device/cpu/kernels.h"
#include "device/cpu/narrow_conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/narrow_conv_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd_load-inl.h"
#include "device/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kTaps = 9;
constexpr auto kStep = static_cast<std::int64_t>(kLanes);

float activate_one(Activation activation, float x) {
  return hn::GetLane(activate(Tag(), activation, hn::Set(Tag(), x)));
}

/// An element of a tensor, zero of an empty one.
float at(const Tensor& tensor, std::int64_t pixel, std::int64_t channel) {
  return tensor.empty() ? 0.0F : get(elements_of(tensor) + (pixel * tensor.stride + channel));
}

/// Some neighbouring pixels of a line; taps outside the picture are left out where `kBorder` says that there
/// may be some.
template <typename T, int kPixels, int kOutputs, bool kBorder>
void Pixels(const NarrowConvTask& task, std::int64_t row, std::int64_t y, std::int64_t px) {
  const Tag d;
  const Tensor& x = task.x;
  const NarrowConv2d& weights = *task.weights;
  const std::int64_t padded = weights.padded_in_channels;
  const std::int64_t padding = task.options.padding;
  hn::Vec<Tag> sums[kPixels][kOutputs];
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      sums[p][o] = hn::Zero(d);
    }
  }
  for (std::int64_t tap = 0; tap < kTaps; ++tap) {
    const std::int64_t iy = y + tap / 3 - padding;
    const std::int64_t ix = px + tap % 3 - padding;
    if (iy < 0 || iy >= x.shape.h || (kBorder && (ix < 0 || ix >= x.shape.w))) {
      continue;
    }
    const T* in = x.as<const T>() + ((row * x.shape.h + iy) * x.shape.w + ix) * x.stride;
    const float* filter = static_cast<const float*>(weights.weights.data()) + tap * padded;
    const auto add = [&](std::int64_t c, const auto& load) {
      hn::Vec<Tag> w[kOutputs];
#pragma GCC unroll 4
      for (int o = 0; o < kOutputs; ++o) {
        w[o] = hn::Load(d, filter + o * kTaps * padded + c);
      }
#pragma GCC unroll 4
      for (int p = 0; p < kPixels; ++p) {
        const auto value = load(in + p * x.stride + c);
#pragma GCC unroll 4
        for (int o = 0; o < kOutputs; ++o) {
          sums[p][o] = hn::MulAdd(value, w[o], sums[p][o]);
        }
      }
    };
    std::int64_t c = 0;
    for (; c + kStep <= weights.in_channels; c += kStep) {
      add(c, [](const T* from) { return load_all(from); });
    }
    if (c < weights.in_channels) {
      const auto valid = static_cast<std::size_t>(weights.in_channels - c);
      add(c, [valid](const T* from) { return load_part(from, valid); });
    }
  }
  const std::int64_t pixel = (row * task.out.shape.h + y) * task.out.shape.w + px;
#pragma GCC unroll 4
  for (int p = 0; p < kPixels; ++p) {
    const Elements out = elements_of(task.out) + (pixel + p) * task.out.stride;
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
      float sum = hn::GetLane(hn::SumOfLanes(d, sums[p][o])) + weights.bias[o];
      sum += at(task.options.row_bias, row, o);
      sum += at(task.options.residual, pixel + p, o);
      set(out + o,
          task.options.activation == Activation::none ? sum : activate_one(task.options.activation, sum));
    }
  }
}

template <typename T, int kOutputs>
void Line(const NarrowConvTask& task, std::int64_t line) {
  constexpr int kPixels = 4;
  const std::int64_t row = line / task.out.shape.h;
  const std::int64_t y = line % task.out.shape.h;
  const std::int64_t padding = task.options.padding;
  const std::int64_t width = task.out.shape.w;
  std::int64_t px = 0;
  while (px < width) {
    const bool inside =
        px >= padding && px + kPixels - 1 + 2 - padding < task.x.shape.w && px + kPixels <= width;
    if (inside) {
      Pixels<T, kPixels, kOutputs, false>(task, row, y, px);
      px += kPixels;
    } else {
      Pixels<T, 1, kOutputs, true>(task, row, y, px);
      ++px;
    }
  }
}

template <typename T>
void LineOf(const NarrowConvTask& task, std::int64_t line) {
  switch (task.weights->out_channels) {
    case 1:
      return Line<T, 1>(task, line);
    case 2:
      return Line<T, 2>(task, line);
    case 3:
      return Line<T, 3>(task, line);
    default:
      return Line<T, 4>(task, line);
  }
}

void NarrowConvLine(const NarrowConvTask& task, std::int64_t line) {
  task.x.dtype == DType::bf16 ? LineOf<Bf16>(task, line) : LineOf<float>(task, line);
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(NarrowConvLine);

void narrow_conv_line(const NarrowConvTask& task, std::int64_t line) {
  HWY_DYNAMIC_DISPATCH(NarrowConvLine)(task, line);
}

bool NarrowConv2d::suits(const HostConv2d& host) {
  return host.kernel == 3 && host.resample == Resample::none && host.out_channels <= kMostOutputs &&
         host.in_channels >= panel_format().lanes;
}

NarrowConv2d::NarrowConv2d(Device& device, const HostConv2d& host)
    : in_channels(host.in_channels), out_channels(host.out_channels) {
  const std::int64_t lanes = panel_format().lanes;
  padded_in_channels = round_up(in_channels, lanes);
  constexpr std::int64_t kTaps = 9;
  const std::int64_t floats = out_channels * kTaps * padded_in_channels;
  weights = device.allocate(static_cast<std::size_t>(floats) * sizeof(float));
  auto* packed = static_cast<float*>(weights.data());
  std::fill_n(packed, floats, 0.0F);
  for (std::int64_t out = 0; out < out_channels; ++out) {
    for (std::int64_t in = 0; in < in_channels; ++in) {
      for (std::int64_t tap = 0; tap < kTaps; ++tap) {
        packed[(out * kTaps + tap) * padded_in_channels + in] =
            host.weight[static_cast<std::size_t>((out * in_channels + in) * kTaps + tap)];
      }
    }
  }
  std::copy(host.bias.begin(), host.bias.end(), bias);
}

}  // namespace streamdiffusion::cpu
#endif
