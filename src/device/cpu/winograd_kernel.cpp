#include <algorithm>
#include <cstring>
#include <limits>

#include "device/cpu/winograd.h"

// Compiled for AVX-512 with VNNI, too, as reduced_kernel.cpp.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/winograd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd_load-inl.h"
#include "device/cpu/simd_math-inl.h"
#include "device/cpu/tile-inl.h"
#include "device/cpu/unit-tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using namespace winograd_points;
using V = hn::Vec<Tag>;
constexpr std::int64_t kIn = 6;   // inputs a side of a tile
constexpr std::int64_t kOut = 4;  // outputs

V times(float factor, V x) { return hn::Mul(hn::Set(Tag(), factor), x); }
/// a * x + y.
V add_times(float a, V x, V y) { return hn::MulAdd(hn::Set(Tag(), a), x, y); }

/// B^T x: one line of six inputs, `step` apart, in place.
HWY_INLINE void transform_input(V* x, int step) {
  const V x1 = x[step];
  const V x2 = x[2 * step];
  const V x3 = x[3 * step];
  const V x4 = x[4 * step];
  const V even_near = add_times(-kFarSquare, x2, x4);
  const V odd_near = add_times(-kFarSquare, x1, x3);
  const V even_far = add_times(-kNearSquare, x2, x4);
  const V odd_far = add_times(-kNearSquare, x1, x3);
  x[0] = add_times(-(kNearSquare + kFarSquare), x2, hn::Add(x[0], x4));
  x[step] = add_times(kNear, odd_near, even_near);
  x[2 * step] = add_times(-kNear, odd_near, even_near);
  x[3 * step] = add_times(kFar, odd_far, even_far);
  x[4 * step] = add_times(-kFar, odd_far, even_far);
  x[5 * step] = add_times(-(kNearSquare + kFarSquare), x3, hn::Add(x1, x[5 * step]));
}

/// A^T x: one line of six products, `step` apart; the four outputs replace the first four.
HWY_INLINE void transform_output(V* x, int step) {
  const V near_sum = hn::Add(x[step], x[2 * step]);
  const V near_difference = times(kNear, hn::Sub(x[step], x[2 * step]));
  const V far_sum = hn::Add(x[3 * step], x[4 * step]);
  const V far_difference = times(kFar, hn::Sub(x[3 * step], x[4 * step]));
  const V x5 = x[5 * step];
  x[0] = hn::Add(hn::Add(x[0], near_sum), far_sum);
  x[step] = hn::Add(near_difference, far_difference);
  x[2 * step] = add_times(kNearSquare, near_sum, times(kFarSquare, far_sum));
  x[3 * step] = add_times(kNearSquare, near_difference, add_times(kFarSquare, far_difference, x5));
}

/// Where a tile stands.
struct Place {
  std::int64_t row;  // of the batch
  std::int64_t top;  // of its outputs
  std::int64_t left;
};

/// The places of tiles, line after line.
class Places {
 public:
  explicit Places(const Shape& out) : lines_((out.h + kOut - 1) / kOut), tiles_((out.w + kOut - 1) / kOut) {}

  [[nodiscard]] Place at(std::int64_t tile) const {
    const std::int64_t line = tile / tiles_;
    return {line / lines_, line % lines_ * kOut, tile % tiles_ * kOut};
  }

 private:
  std::int64_t lines_;
  std::int64_t tiles_;
};

/// The pixels that a tile reads; null outside the picture, which an enlarged one leaves where the output
/// ends.
template <typename T>
struct InputPixels {
  InputPixels(const WinogradTask& task, const T* x, const Place& place) {
    const Shape& shape = task.x.shape;
    const std::int64_t shift = task.weights->resample == Resample::up ? 1 : 0;
    const T* const picture = x + place.row * shape.h * shape.w * task.x.stride;
    for (std::int64_t i = 0; i < kIn; ++i) {
      const std::int64_t y = place.top - task.options.padding + i;
      const bool line_inside = y >= 0 && y < task.out.shape.h;
      for (std::int64_t j = 0; j < kIn; ++j) {
        const std::int64_t px = place.left - task.options.padding + j;
        const bool inside = line_inside && px >= 0 && px < task.out.shape.w;
        at[i * kIn + j] =
            inside ? picture + ((y >> shift) * shape.w + (px >> shift)) * task.x.stride : nullptr;
        all_inside = all_inside && inside;
      }
    }
  }

  const T* at[kIn * kIn];
  bool all_inside = true;
};

/// A vector of channels of one tile; `load` gives those of a pixel.
template <typename Load, typename Number>
HWY_INLINE void transform_tile(const Load& load, Number* into, std::int64_t stride) {
  V values[kIn * kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) {
      values[i * kIn + j] = load(i * kIn + j);
    }
    transform_input(values + j, kIn);
  }
#pragma GCC unroll 6
  for (int i = 0; i < kIn; ++i) {
    transform_input(values + i * kIn, 1);
#pragma GCC unroll 6
    for (int j = 0; j < kIn; ++j) {
      store_all(values[i * kIn + j], into + (i * kIn + j) * stride);
    }
  }
}

template <typename T, typename Number>
void transform_tiles(const WinogradTask& task, const T* x, std::int64_t first, std::int64_t last,
                     Number* into, std::int64_t stride) {
  const std::int64_t channels = task.x.shape.c;
  constexpr auto kStep = static_cast<std::int64_t>(kLanes);
  const Places places(task.out.shape);
  for (std::int64_t tile = first; tile < last; ++tile) {
    const InputPixels<T> pixels(task, x, places.at(tile));
    Number* const to = into + (tile - first) * task.weights->padded_in_channels;
    std::int64_t c = 0;
    for (; pixels.all_inside && c + kStep <= channels; c += kStep) {
      transform_tile([&](std::int64_t pixel) { return load_all(pixels.at[pixel] + c); }, to + c, stride);
    }
    for (; c < channels; c += kStep) {
      const auto valid = static_cast<std::size_t>(channels - c);
      const auto load = [&](std::int64_t pixel) {
        const T* const from = pixels.at[pixel];
        return from != nullptr ? load_part(from + c, valid) : hn::Zero(Tag());
      };
      transform_tile(load, to + c, stride);
    }
  }
}

/// with_type, where the processor rounds to bfloat16 by itself if it can.
template <typename Function>
void with_native_type([[maybe_unused]] const WinogradTask& task, const Elements& elements,
                      const Function& function) {
#if STREAMDIFFUSION_VNNI
  if (task.rounds && elements.type == DType::bf16) {
    function(static_cast<NativeBf16*>(elements.data));
    return;
  }
#endif
  with_type(elements, function);
}

void Input(const WinogradTask& task, std::int64_t first, std::int64_t last, const Elements& into,
           std::int64_t stride) {
  with_type(elements_of(task.x), [&](const auto* x) {
    with_native_type(task, into,
                     [&](auto* numbers) { transform_tiles(task, x, first, last, numbers, stride); });
  });
}

void MultiplyPanel(const WinogradWeights& weights, std::int64_t position, std::int64_t panel,
                   std::int64_t tiles, const Elements& inputs, float* products) {
  const auto column = static_cast<std::size_t>(panel) * kPanelColumns;
  const auto columns = static_cast<std::size_t>(weights.padded_out_channels);
  const auto stride = static_cast<std::size_t>(weights.padded_in_channels);
  const auto in_channels = static_cast<std::size_t>(weights.in_channels);
  const std::int64_t place =
      position * weights.position_numbers +
      static_cast<std::int64_t>(column) * (weights.position_numbers / weights.padded_out_channels);
  const Elements matrix = Elements{weights.weights.data(), weights.type} + place;
  const int vectors = panel_vectors(column, columns);
#if STREAMDIFFUSION_VNNI
  if (weights.type == DType::bf16) {
    multiply_rows<Format::bf16>({.x = static_cast<const std::uint8_t*>(inputs.data),
                                 .x_line = 0,
                                 .x_stride = stride * sizeof(Bf16),
                                 .weights = static_cast<const std::int8_t*>(matrix.data),
                                 .weight_line = 0,
                                 .lines = 1,
                                 .units = (in_channels + 1) / 2,
                                 .add = false,
                                 .sums = products + column,
                                 .sums_stride = columns},
                                tiles, vectors);
    return;
  }
#endif
  const std::int64_t blocks = (tiles + tile_rows(vectors) - 1) / tile_rows(vectors);
  std::int64_t first = 0;
  for (std::int64_t block = 1; block <= blocks; ++block) {
    const std::int64_t last = tiles * block / blocks;
    const Run run{static_cast<const float*>(inputs.data) + first * weights.padded_in_channels,
                  static_cast<const float*>(matrix.data), in_channels};
    tile_function(static_cast<int>(last - first), vectors)(
        {&run, 1, stride, products + first * weights.padded_out_channels + column, columns});
    first = last;
  }
}

/// The 4x4 outputs of a vector of channels of one tile, before anything is added.
HWY_INLINE void transform_products(const float* from, std::int64_t stride, V* values) {
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) {
      values[i * kIn + j] = hn::Load(Tag(), from + (i * kIn + j) * stride);
    }
    transform_output(values + j, kIn);
  }
#pragma GCC unroll 4
  for (int i = 0; i < kOut; ++i) {
    transform_output(values + i * kIn, 1);
  }
}

/// Outputs of the tensors' types, R that of the residual.
template <typename T, typename R>
class OutputWriter {
 public:
  OutputWriter(const WinogradTask& task, T* out, const R* residual)
      : task_(task), places_(task.out.shape), out_(out), residual_(residual) {}

  void write(std::int64_t tile, const float* from, std::int64_t stride) const {
    constexpr auto kStep = static_cast<std::int64_t>(kLanes);
    const Shape& shape = task_.out.shape;
    const Activation activation = task_.options.activation;
    const bool plain = activation == Activation::none || activation == Activation::relu;
    const Place place = places_.at(tile);
    const bool whole = place.top + kOut <= shape.h && place.left + kOut <= shape.w;
    for (std::int64_t c = 0; c < shape.c; c += kStep) {
      V values[kIn * kIn];
      transform_products(from + c, stride, values);
      const V offset = this->offset(place.row, c);
      const std::int64_t pixel = (place.row * shape.h + place.top) * shape.w + place.left;
      if (plain && whole && c + kStep <= shape.c) {
        write_plain(values, offset, pixel, c);
      } else {
        write_any(values, offset, place, pixel, c);
      }
    }
  }

 private:
  [[nodiscard]] V offset(std::int64_t row, std::int64_t c) const {
    const auto* bias = static_cast<const float*>(task_.weights->bias.data());
    const V offset = bias != nullptr ? hn::LoadU(Tag(), bias + c) : hn::Zero(Tag());
    const Tensor& row_bias = task_.options.row_bias;
    if (row_bias.empty()) {
      return offset;
    }
    return hn::Add(offset, load_part(elements_of(row_bias) + (row * row_bias.stride + c),
                                     static_cast<std::size_t>(task_.out.shape.c - c)));
  }

  /// Nearly all tiles of nearly all layers: everything stays in registers.
  HWY_INLINE void write_plain(const V* values, V offset, std::int64_t pixel, std::int64_t c) const {
    const V least = task_.options.activation == Activation::relu
                        ? hn::Zero(Tag())
                        : hn::Set(Tag(), -std::numeric_limits<float>::infinity());
    const std::int64_t out_stride = task_.out.stride;
    const std::int64_t residual_stride = task_.options.residual.stride;
    const std::int64_t width = task_.out.shape.w;
#pragma GCC unroll 4
    for (int i = 0; i < kOut; ++i) {
#pragma GCC unroll 4
      for (int j = 0; j < kOut; ++j) {
        const std::int64_t at = pixel + i * width + j;
        V value = hn::Add(values[i * kIn + j], offset);
        if (residual_ != nullptr) {
          value = hn::Add(value, load_all(residual_ + at * residual_stride + c));
        }
        store_all(hn::Max(least, value), out_ + at * out_stride + c);  // so what is no number stays so
      }
    }
  }

  void write_any(const V* values, V offset, const Place& place, std::int64_t pixel, std::int64_t c) const {
    const Shape& shape = task_.out.shape;
    const auto valid = static_cast<std::size_t>(shape.c - c);
    for (std::int64_t i = 0; i < std::min(kOut, shape.h - place.top); ++i) {
      for (std::int64_t j = 0; j < std::min(kOut, shape.w - place.left); ++j) {
        const std::int64_t at = pixel + i * shape.w + j;
        V value = hn::Add(values[i * kIn + j], offset);
        if (residual_ != nullptr) {
          value = hn::Add(value, load_part(residual_ + at * task_.options.residual.stride + c, valid));
        }
        store_part(activate(Tag(), task_.options.activation, value), out_ + at * task_.out.stride + c, valid);
      }
    }
  }

  const WinogradTask& task_;
  Places places_;
  T* out_;
  const R* residual_;
};

void Output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
            std::int64_t stride) {
  with_native_type(task, elements_of(task.out), [&](auto* out) {
    with_type(elements_of(task.options.residual), [&](const auto* residual) {
      const OutputWriter writer(task, out, residual);
      for (std::int64_t tile = first; tile < last; ++tile) {
        writer.write(tile, from + (tile - first) * task.weights->padded_out_channels, stride);
      }
    });
  });
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(Input);
HWY_EXPORT(MultiplyPanel);
HWY_EXPORT(Output);

void winograd_input(const WinogradTask& task, std::int64_t first, std::int64_t last, const Elements& into,
                    std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(Input)(task, first, last, into, stride);
}

void winograd_product(const WinogradWeights& weights, std::int64_t position, std::int64_t panel,
                      std::int64_t tiles, const Elements& inputs, float* products) {
  HWY_DYNAMIC_DISPATCH(MultiplyPanel)(weights, position, panel, tiles, inputs, products);
}

void winograd_output(const WinogradTask& task, std::int64_t first, std::int64_t last, const float* from,
                     std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(Output)(task, first, last, from, stride);
}

void winograd_filter(const float* filter, float* into) {
  using namespace winograd_points;
  // A line for each point p: 1, p and p^2, by the product of p's distances from the other points.
  constexpr float kNearScale = 1 / (2 * kNearSquare * (kNearSquare - kFarSquare));
  constexpr float kFarScale = 1 / (2 * kFarSquare * (kFarSquare - kNearSquare));
  constexpr float kG[6][3] = {{1, 0, 0},
                              {kNearScale, kNear * kNearScale, kNearSquare * kNearScale},
                              {kNearScale, -kNear * kNearScale, kNearSquare * kNearScale},
                              {kFarScale, kFar * kFarScale, kFarSquare * kFarScale},
                              {kFarScale, -kFar * kFarScale, kFarSquare * kFarScale},
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
