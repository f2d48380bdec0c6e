#include <algorithm>
#include <cstring>

#include "device/cpu/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/winograd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd_load-inl.h"
#include "device/cpu/simd_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using V = hn::Vec<Tag>;
constexpr std::int64_t kIn = 6;   // inputs a side of a tile
constexpr std::int64_t kOut = 4;  // outputs

V times(float factor, V x) { return hn::Mul(hn::Set(Tag(), factor), x); }
/// a * x + y.
V add_times(float a, V x, V y) { return hn::MulAdd(hn::Set(Tag(), a), x, y); }

/// B^T x: one line of six inputs, `step` apart, in place.
HWY_INLINE void transform_input(V* x, int step) {
  const V x0 = x[0];
  const V x1 = x[step];
  const V x2 = x[2 * step];
  const V x3 = x[3 * step];
  const V x4 = x[4 * step];
  const V x5 = x[5 * step];
  const V even = add_times(-4, x2, x4);
  const V odd = add_times(-4, x1, x3);
  const V even2 = hn::Sub(x4, x2);
  const V odd2 = times(2, hn::Sub(x3, x1));
  x[0] = add_times(4, x0, add_times(-5, x2, x4));
  x[step] = hn::Add(even, odd);
  x[2 * step] = hn::Sub(even, odd);
  x[3 * step] = hn::Add(even2, odd2);
  x[4 * step] = hn::Sub(even2, odd2);
  x[5 * step] = add_times(4, x1, add_times(-5, x3, x5));
}

/// A^T x: one line of six products, `step` apart; the four outputs replace the first four.
HWY_INLINE void transform_output(V* x, int step) {
  const V sum12 = hn::Add(x[step], x[2 * step]);
  const V difference12 = hn::Sub(x[step], x[2 * step]);
  const V sum34 = hn::Add(x[3 * step], x[4 * step]);
  const V difference34 = hn::Sub(x[3 * step], x[4 * step]);
  const V x5 = x[5 * step];
  x[0] = hn::Add(hn::Add(x[0], sum12), sum34);
  x[step] = add_times(2, difference34, difference12);
  x[2 * step] = add_times(4, sum34, sum12);
  x[3 * step] = hn::Add(add_times(8, difference34, difference12), x5);
}

template <typename T>
void TransformInput(const WinogradTask& task, const T* x_data, std::int64_t line, float* into,
                    std::int64_t stride) {
  const Tensor& x = task.x;
  const std::int64_t channels = x.shape.c;
  const std::int64_t shift = task.weights->resample == Resample::up ? 1 : 0;
  const std::int64_t height = task.out.shape.h;
  const std::int64_t width = task.out.shape.w;
  const std::int64_t lines = (height + kOut - 1) / kOut;
  const std::int64_t tiles = (width + kOut - 1) / kOut;
  const T* row = x_data + line / lines * x.shape.h * x.shape.w * x.stride;
  const std::int64_t top = line % lines * kOut - task.options.padding;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t left = tile * kOut - task.options.padding;
    float* to = into + tile * task.weights->padded_in_channels;
    for (std::int64_t c = 0; c < channels; c += static_cast<std::int64_t>(kLanes)) {
      const auto valid = static_cast<std::size_t>(channels - c);
      V values[kIn * kIn];
      for (std::int64_t i = 0; i < kIn; ++i) {
        for (std::int64_t j = 0; j < kIn; ++j) {
          const std::int64_t y = top + i;
          const std::int64_t px = left + j;
          const bool inside = y >= 0 && y < height && px >= 0 && px < width;
          values[i * kIn + j] =
              inside ? load_part(row + ((y >> shift) * x.shape.w + (px >> shift)) * x.stride + c, valid)
                     : hn::Zero(Tag());
        }
      }
      for (int j = 0; j < kIn; ++j) {
        transform_input(values + j, kIn);
      }
      for (int i = 0; i < kIn; ++i) {
        transform_input(values + i * kIn, 1);
      }
      for (std::int64_t p = 0; p < kIn * kIn; ++p) {
        hn::Store(values[p], Tag(), to + p * stride + c);
      }
    }
  }
}

void Input(const WinogradTask& task, std::int64_t line, float* into, std::int64_t stride) {
  with_type(elements_of(task.x), [&](const auto* x) { TransformInput(task, x, line, into, stride); });
}

void Output(const WinogradTask& task, std::int64_t line, const float* from, std::int64_t stride) {
  const Tensor& out = task.out;
  const Conv2dOptions& options = task.options;
  const std::int64_t channels = out.shape.c;
  const std::int64_t height = out.shape.h;
  const std::int64_t width = out.shape.w;
  const std::int64_t lines = (height + kOut - 1) / kOut;
  const std::int64_t tiles = (width + kOut - 1) / kOut;
  const std::int64_t row = line / lines;
  const std::int64_t top = line % lines * kOut;
  const auto* bias = static_cast<const float*>(task.weights->bias.data());
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t left = tile * kOut;
    const float* products = from + tile * task.weights->padded_out_channels;
    for (std::int64_t c = 0; c < channels; c += static_cast<std::int64_t>(kLanes)) {
      const auto valid = static_cast<std::size_t>(channels - c);
      V values[kIn * kIn];
      for (std::int64_t p = 0; p < kIn * kIn; ++p) {
        values[p] = hn::Load(Tag(), products + p * stride + c);
      }
      for (int j = 0; j < kIn; ++j) {
        transform_output(values + j, kIn);
      }
      for (int i = 0; i < kOut; ++i) {
        transform_output(values + i * kIn, 1);
      }
      V offset = bias != nullptr ? hn::LoadU(Tag(), bias + c) : hn::Zero(Tag());
      if (!options.row_bias.empty()) {
        offset = hn::Add(
            offset, load_part(elements_of(options.row_bias) + (row * options.row_bias.stride + c), valid));
      }
      for (std::int64_t i = 0; i < std::min(kOut, height - top); ++i) {
        for (std::int64_t j = 0; j < std::min(kOut, width - left); ++j) {
          const std::int64_t pixel = (row * height + top + i) * width + left + j;
          V value = hn::Add(values[i * kIn + j], offset);
          if (!options.residual.empty()) {
            value = hn::Add(
                value,
                load_part(elements_of(options.residual) + (pixel * options.residual.stride + c), valid));
          }
          store_part(activate(Tag(), options.activation, value), elements_of(out) + (pixel * out.stride + c),
                     valid);
        }
      }
    }
  }
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(Input);
HWY_EXPORT(Output);

void winograd_input(const WinogradTask& task, std::int64_t line, float* into, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(Input)(task, line, into, stride);
}

void winograd_output(const WinogradTask& task, std::int64_t line, const float* from, std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(Output)(task, line, from, stride);
}

void winograd_filter(const float* filter, float* into) {
  constexpr float kG[6][3] = {{1.0F / 4, 0, 0},
                              {-1.0F / 6, -1.0F / 6, -1.0F / 6},
                              {-1.0F / 6, 1.0F / 6, -1.0F / 6},
                              {1.0F / 24, 1.0F / 12, 1.0F / 6},
                              {1.0F / 24, -1.0F / 12, 1.0F / 6},
                              {0, 0, 1}};
  float half[6][3];
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 3; ++j) {
      half[i][j] = kG[i][0] * filter[j] + kG[i][1] * filter[3 + j] + kG[i][2] * filter[6 + j];
    }
  }
  for (int i = 0; i < 6; ++i) {
    for (int j = 0; j < 6; ++j) {
      into[i * 6 + j] = half[i][0] * kG[j][0] + half[i][1] * kG[j][1] + half[i][2] * kG[j][2];
    }
  }
}

}  // namespace streamdiffusion::cpu
#endif
