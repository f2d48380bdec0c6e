#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

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
constexpr std::int64_t kIn = 6;        // inputs a side of a tile
constexpr std::int64_t kOut = 4;       // outputs
constexpr std::int64_t kPhaseOut = 5;  // of a phase

V times(float factor, V x) { return hn::Mul(hn::Set(Tag(), factor), x); }
/// a * x + y.
V add_times(float a, V x, V y) { return hn::MulAdd(hn::Set(Tag(), a), x, y); }

/// B^T x: six inputs, in place.
HWY_INLINE void transform_input(V* x) {
  const V even_near = add_times(-kFarSquare, x[2], x[4]);
  const V odd_near = add_times(-kFarSquare, x[1], x[3]);
  const V even_far = add_times(-kNearSquare, x[2], x[4]);
  const V odd_far = add_times(-kNearSquare, x[1], x[3]);
  x[0] = add_times(-(kNearSquare + kFarSquare), x[2], hn::Add(x[0], x[4]));
  x[5] = add_times(-(kNearSquare + kFarSquare), x[3], hn::Add(x[1], x[5]));
  x[1] = add_times(kNear, odd_near, even_near);
  x[2] = add_times(-kNear, odd_near, even_near);
  x[3] = add_times(kFar, odd_far, even_far);
  x[4] = add_times(-kFar, odd_far, even_far);
}

/// Of the four outputs A^T x of six products `x(0)` to `x(5)`, the first and the third, which are of sums,
/// or the second and the fourth, of differences.
template <bool kOdd, typename Products>
HWY_INLINE void transform_output(const Products& x, V& first, V& second) {
  if constexpr (kOdd) {
    const V near = hn::Sub(x(1), x(2));
    const V far = hn::Sub(x(3), x(4));
    first = add_times(kNear, near, times(kFar, far));
    second = add_times(kNear * kNearSquare, near, add_times(kFar * kFarSquare, far, x(5)));
  } else {
    const V near = hn::Add(x(1), x(2));
    const V far = hn::Add(x(3), x(4));
    first = hn::Add(hn::Add(x(0), near), far);
    second = add_times(kNearSquare, near, times(kFarSquare, far));
  }
}

/// Where a tile stands: its first output, or with phases the pixel of its first ones.
struct Place {
  std::int64_t row;  // of the batch
  std::int64_t top;
  std::int64_t left;
};

/// The places of tiles, line after line.
class Places {
 public:
  explicit Places(const WinogradTask& task)
      : step_(task.weights->step()),
        lines_(task.weights->tiles(task.out.shape.h)),
        tiles_(task.weights->tiles(task.out.shape.w)) {}

  [[nodiscard]] Place at(std::int64_t tile) const {
    const std::int64_t line = tile / tiles_;
    return {line / lines_, line % lines_ * step_, tile % tiles_ * step_};
  }
  /// The first tile of the next line.
  [[nodiscard]] std::int64_t end_of_line(std::int64_t tile) const { return (tile / tiles_ + 1) * tiles_; }

 private:
  std::int64_t step_;
  std::int64_t lines_;
  std::int64_t tiles_;
};

/// Tiles side by side on one line, whose inputs are transformed together: neighbours share two columns.
constexpr std::int64_t kMostNeighbours = 8;
constexpr std::int64_t kMostColumns = kMostNeighbours * kPhaseOut + kIn - kPhaseOut;

/// The lines of the input that tiles of one line read; null outside the picture, which an enlarged one leaves
/// where the output ends.
template <typename T>
class InputLines {
 public:
  InputLines(const WinogradTask& task, const T* x, const Place& place)
      : left_(place.left - task.options.padding), stride_(task.x.stride) {
    const Shape& shape = task.x.shape;
    const bool enlarged = task.weights->resample == Resample::up && task.weights->phases == 1;
    const std::int64_t height = enlarged ? task.out.shape.h : shape.h;
    width_ = enlarged ? task.out.shape.w : shape.w;
    shift_ = enlarged ? 1 : 0;
    const T* const picture = x + place.row * shape.h * shape.w * stride_;
    for (std::int64_t i = 0; i < kIn; ++i) {
      const std::int64_t y = place.top - task.options.padding + i;
      const bool inside = y >= 0 && y < height;
      lines_[i] = inside ? picture + (y >> shift_) * shape.w * stride_ : nullptr;
      all_inside_ = all_inside_ && inside;
    }
  }

  [[nodiscard]] bool all_inside() const { return all_inside_; }
  [[nodiscard]] bool has(std::int64_t line) const { return lines_[line] != nullptr; }
  /// Whether a column, counted from the first tile's first, lies in the picture.
  [[nodiscard]] bool has_column(std::int64_t column) const {
    return left_ + column >= 0 && left_ + column < width_;
  }
  [[nodiscard]] const T* at(std::int64_t line, std::int64_t column) const {
    return lines_[line] + ((left_ + column) >> shift_) * stride_;
  }

 private:
  std::int64_t left_;
  std::int64_t stride_;
  std::int64_t width_;
  std::int64_t shift_;
  const T* lines_[kIn];
  bool all_inside_ = true;
};

/// B^T x of `columns` columns of a vector of channels, from `c` on: [column][6][lane].
template <typename T>
HWY_INLINE void transform_columns(const InputLines<T>& lines, std::int64_t columns, std::int64_t c,
                                  std::size_t valid, float* half) {
  const Tag d;
  const bool whole = lines.all_inside() && valid >= kLanes;
  for (std::int64_t column = 0; column < columns; ++column) {
    V x[kIn];
    if (!lines.has_column(column)) {
      std::fill_n(x, kIn, hn::Zero(d));
    } else if (whole) {
#pragma GCC unroll 6
      for (int i = 0; i < kIn; ++i) {
        x[i] = load_all(lines.at(i, column) + c);
      }
      transform_input(x);
    } else {
      for (int i = 0; i < kIn; ++i) {
        x[i] = lines.has(i) ? load_part(lines.at(i, column) + c, valid) : hn::Zero(d);
      }
      transform_input(x);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) {
      hn::Store(x[i], d, half + (column * kIn + i) * static_cast<std::int64_t>(kLanes));
    }
  }
}

/// (B^T x) B of one tile, from its columns in `half`.
template <typename Number>
HWY_INLINE void transform_lines(const float* half, Number* into, std::int64_t stride) {
#pragma GCC unroll 1
  for (int i = 0; i < kIn; ++i) {
    V x[kIn];
#pragma GCC unroll 6
    for (int j = 0; j < kIn; ++j) {
      x[j] = hn::Load(Tag(), half + (j * kIn + i) * static_cast<std::int64_t>(kLanes));
    }
    transform_input(x);
#pragma GCC unroll 6
    for (int j = 0; j < kIn; ++j) {
      store_all(x[j], into + j * stride);
    }
    into += kIn * stride;
  }
}

template <typename T, typename Number>
void transform_tiles(const WinogradTask& task, const T* x, std::int64_t first, std::int64_t last,
                     Number* into, std::int64_t stride) {
  constexpr auto kStep = static_cast<std::int64_t>(kLanes);
  HWY_ALIGN float half[kMostColumns * kIn * kLanes];
  const std::int64_t channels = task.x.shape.c;
  const std::int64_t padded_channels = task.weights->padded_in_channels;
  const std::int64_t step = task.weights->step();
  const Places places(task);
  for (std::int64_t tile = first, next = 0; tile < last; tile = next) {
    next = std::min({last, tile + kMostNeighbours, places.end_of_line(tile)});
    const InputLines<T> lines(task, x, places.at(tile));
    for (std::int64_t c = 0; c < channels; c += kStep) {
      transform_columns(lines, (next - tile) * step + kIn - step, c, static_cast<std::size_t>(channels - c),
                        half);
      for (std::int64_t i = tile; i < next; ++i) {
        transform_lines(half + (i - tile) * step * kIn * kStep, into + (i - first) * padded_channels + c,
                        stride);
      }
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
  const auto columns = static_cast<std::size_t>(weights.columns);
  const auto stride = static_cast<std::size_t>(weights.padded_in_channels);
  const auto in_channels = static_cast<std::size_t>(weights.in_channels);
  const std::int64_t place = position * weights.position_numbers +
                             static_cast<std::int64_t>(column) * (weights.position_numbers / weights.columns);
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
    tile_function(static_cast<int>(last - first),
                  vectors)({&run, 1, stride, products + first * weights.columns + column, columns});
    first = last;
  }
}

/// Two lines of the 4x4 outputs of a vector of channels of one tile, before anything is added: the first and
/// the third, or the second and the fourth. Half of the tile at a time stays in registers.
template <bool kOdd>
HWY_INLINE void transform_products(const float* from, std::int64_t stride, V (*values)[kOut]) {
  V half[2][kIn];
#pragma GCC unroll 6
  for (int j = 0; j < kIn; ++j) {
    transform_output<kOdd>([&](std::int64_t i) { return hn::Load(Tag(), from + (i * kIn + j) * stride); },
                           half[0][j], half[1][j]);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const auto product = [&](int j) { return half[i][j]; };
    transform_output<false>(product, values[i][0], values[i][2]);
    transform_output<true>(product, values[i][1], values[i][3]);
  }
}

/// What is added to each output of a vector of channels.
V offset_of(const WinogradTask& task, std::int64_t row, std::int64_t c) {
  const auto* bias = static_cast<const float*>(task.weights->bias.data());
  const V offset = bias != nullptr ? hn::LoadU(Tag(), bias + c) : hn::Zero(Tag());
  const Tensor& row_bias = task.options.row_bias;
  if (row_bias.empty()) {
    return offset;
  }
  return hn::Add(offset, load_part(elements_of(row_bias) + (row * row_bias.stride + c),
                                   static_cast<std::size_t>(task.out.shape.c - c)));
}

/// Where a vector of channels of a whole tile goes; what is added, and the least that is written.
template <typename T, typename R>
struct PlainTile {
  T* out;
  std::int64_t out_stride;
  const R* residual;
  std::int64_t residual_stride;
  std::int64_t width;
  V offset;
  V least;
};

template <bool kOdd, bool kResidual, typename T, typename R>
HWY_INLINE void write_plain_half(const float* from, std::int64_t stride, const PlainTile<T, R>& to) {
  V values[2][kOut];
  transform_products<kOdd>(from, stride, values);
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const std::int64_t pixel = (2 * i + (kOdd ? 1 : 0)) * to.width;
#pragma GCC unroll 4
    for (int j = 0; j < kOut; ++j) {
      V value = hn::Add(values[i][j], to.offset);
      if constexpr (kResidual) {
        value = hn::Add(value, load_all(to.residual + (pixel + j) * to.residual_stride));
      }
      // In this order, as what is no number stays so.
      store_all(hn::Max(to.least, value), to.out + (pixel + j) * to.out_stride);
    }
  }
}

/// Nearly all tiles of nearly all layers. A function of its own, for which few addresses have to be kept.
template <bool kResidual, typename T, typename R>
HWY_NOINLINE void write_plain(const float* from, std::int64_t stride, PlainTile<T, R> to) {
  write_plain_half<false, kResidual>(from, stride, to);
  write_plain_half<true, kResidual>(from, stride, to);
}

/// Outputs of the tensors' types, R that of the residual.
template <typename T, typename R>
class OutputWriter {
 public:
  OutputWriter(const WinogradTask& task, T* out, const R* residual)
      : task_(task), places_(task), out_(out), residual_(residual) {}

  void write(std::int64_t tile, const float* from, std::int64_t stride) const {
    constexpr auto kStep = static_cast<std::int64_t>(kLanes);
    const Shape& shape = task_.out.shape;
    const Activation activation = task_.options.activation;
    const bool plain = activation == Activation::none || activation == Activation::relu;
    const Place place = places_.at(tile);
    const bool whole = place.top + kOut <= shape.h && place.left + kOut <= shape.w;
    const std::int64_t pixel = (place.row * shape.h + place.top) * shape.w + place.left;
    for (std::int64_t c = 0; c < shape.c; c += kStep) {
      T* const out = out_ + pixel * task_.out.stride + c;
      const R* const residual =
          residual_ != nullptr ? residual_ + pixel * task_.options.residual.stride + c : nullptr;
      const V least = activation == Activation::relu
                          ? hn::Zero(Tag())
                          : hn::Set(Tag(), -std::numeric_limits<float>::infinity());
      const PlainTile<T, R> to{out,      task_.out.stride,
                               residual, task_.options.residual.stride,
                               shape.w,  offset_of(task_, place.row, c),
                               least};
      if (plain && whole && c + kStep <= shape.c) {
        residual != nullptr ? write_plain<true>(from + c, stride, to)
                            : write_plain<false>(from + c, stride, to);
      } else {
        write_any(from + c, stride, to, place, static_cast<std::size_t>(shape.c - c));
      }
    }
  }

 private:
  HWY_NOINLINE void write_any(const float* from, std::int64_t stride, const PlainTile<T, R>& to,
                              const Place& place, std::size_t valid) const {
    V values[kOut][kOut];
    transform_products<false>(from, stride, values);
    transform_products<true>(from, stride, values + 2);
    for (std::int64_t i = 0; i < std::min(kOut, task_.out.shape.h - place.top); ++i) {
      for (std::int64_t j = 0; j < std::min(kOut, task_.out.shape.w - place.left); ++j) {
        const std::int64_t pixel = i * to.width + j;
        V value = hn::Add(values[i % 2 * 2 + i / 2][j], to.offset);
        if (to.residual != nullptr) {
          value = hn::Add(value, load_part(to.residual + pixel * to.residual_stride, valid));
        }
        store_part(activate(Tag(), task_.options.activation, value), to.out + pixel * to.out_stride, valid);
      }
    }
  }

  const WinogradTask& task_;
  Places places_;
  T* out_;
  const R* residual_;
};

/// Of the five outputs of a phase, the first, third and fifth, or the second and fourth.
template <bool kOdd, typename Products>
HWY_INLINE void transform_phase(const Products& x, V* outputs, std::int64_t step) {
  if constexpr (kOdd) {
    const V near = hn::Sub(x(1), x(2));
    const V far = hn::Sub(x(3), x(4));
    outputs[0] = add_times(kNear, near, times(kFar, far));
    outputs[step] = add_times(kNear * kNearSquare, near, times(kFar * kFarSquare, far));
  } else {
    const V near = hn::Add(x(1), x(2));
    const V far = hn::Add(x(3), x(4));
    outputs[0] = hn::Add(hn::Add(x(0), near), far);
    outputs[step] = add_times(kNearSquare, near, times(kFarSquare, far));
    outputs[2 * step] =
        add_times(kNearSquare * kNearSquare, near, add_times(kFarSquare * kFarSquare, far, x(5)));
  }
}

/// Outputs of an enlarged picture, by phases.
template <typename T, typename R>
class PhaseWriter {
 public:
  PhaseWriter(const WinogradTask& task, T* out, const R* residual)
      : task_(task), places_(task), out_(out), residual_(residual) {}

  void write(std::int64_t tile, const float* from, std::int64_t stride) const {
    const Place place = places_.at(tile);
    for (std::int64_t c = 0; c < task_.out.shape.c; c += static_cast<std::int64_t>(kLanes)) {
      const V offset = offset_of(task_, place.row, c);
      for (std::int64_t phase = 0; phase < task_.weights->phases; ++phase) {
        const Place first{place.row, 2 * place.top - phase / 2, 2 * place.left - phase % 2};
        const float* const products = from + phase * task_.weights->padded_out_channels + c;
        write_lines<false>(first, products, stride, offset, c);
        write_lines<true>(first, products, stride, offset, c);
      }
    }
  }

 private:
  /// The odd or the even ones of a phase's five lines; half of them at a time stays in registers.
  template <bool kOdd>
  HWY_NOINLINE void write_lines(const Place& first, const float* from, std::int64_t stride, V offset,
                                std::int64_t c) const {
    constexpr int kLines = kOdd ? 2 : 3;
    V half[kLines][kIn];
#pragma GCC unroll 6
    for (int j = 0; j < kIn; ++j) {
      transform_phase<kOdd>([&](std::int64_t i) { return hn::Load(Tag(), from + (i * kIn + j) * stride); },
                            &half[0][j], kIn);
    }
#pragma GCC unroll 3
    for (int i = 0; i < kLines; ++i) {
      V values[kPhaseOut];
      const auto product = [&](int j) { return half[i][j]; };
      transform_phase<false>(product, values, 2);
      transform_phase<true>(product, values + 1, 2);
      write_line(first.row, first.top + 2 * (2 * i + (kOdd ? 1 : 0)), first.left, values, offset, c);
    }
  }

  /// Every second pixel of a line from `left` on, as far as they lie in the picture.
  HWY_INLINE void write_line(std::int64_t row, std::int64_t y, std::int64_t left, const V* values, V offset,
                             std::int64_t c) const {
    const Shape& shape = task_.out.shape;
    if (y < 0 || y >= shape.h) {
      return;
    }
    const auto valid = static_cast<std::size_t>(shape.c - c);
    const std::int64_t line = (row * shape.h + y) * shape.w;
#pragma GCC unroll 5
    for (int j = 0; j < kPhaseOut; ++j) {
      const std::int64_t x = left + 2 * j;
      if (x < 0 || x >= shape.w) {
        continue;
      }
      V value = hn::Add(values[j], offset);
      if (residual_ != nullptr) {
        value = hn::Add(value, load_part(residual_ + (line + x) * task_.options.residual.stride + c, valid));
      }
      if (task_.options.activation != Activation::none) {
        value = activate(Tag(), task_.options.activation, value);
      }
      store_part(value, out_ + (line + x) * task_.out.stride + c, valid);
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
      const auto write_tiles = [&](const auto& writer) {
        for (std::int64_t tile = first; tile < last; ++tile) {
          writer.write(tile, from + (tile - first) * task.weights->columns, stride);
        }
      };
      if (task.weights->phases == 1) {
        write_tiles(OutputWriter(task, out, residual));
      } else {
        write_tiles(PhaseWriter(task, out, residual));
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

namespace {

// By the product of a point's distances from the other points.
constexpr float kNearScale =
    1 / (2 * winograd_points::kNearSquare * (winograd_points::kNearSquare - winograd_points::kFarSquare));
constexpr float kFarScale =
    1 / (2 * winograd_points::kFarSquare * (winograd_points::kFarSquare - winograd_points::kNearSquare));

}  // namespace

void winograd_filter(const float* filter, float* into) {
  using namespace winograd_points;
  // A line for each point p: 1, p and p^2.
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

void winograd_phase_filter(const float* filter, std::int64_t phase, float* into) {
  using namespace winograd_points;
  // Two of the three taps see the same pixel of the picture as it was.
  const auto join = [](const float* taps, std::int64_t step, bool odd, float* two) {
    two[0] = odd ? taps[0] + taps[step] : taps[0];
    two[1] = odd ? taps[2 * step] : taps[step] + taps[2 * step];
  };
  // A line for each point p: 1 and p.
  constexpr float kG[6][2] = {{1, 0},
                              {kNearScale, kNear * kNearScale},
                              {kNearScale, -kNear * kNearScale},
                              {kFarScale, kFar * kFarScale},
                              {kFarScale, -kFar * kFarScale},
                              {0, 1}};
  float lines[3][2];
  for (int i = 0; i < 3; ++i) {
    join(filter + i * 3, 1, phase % 2 != 0, lines[i]);
  }
  float joined[2][2];  // [column][line]
  for (int j = 0; j < 2; ++j) {
    join(&lines[0][j], 2, phase / 2 != 0, joined[j]);
  }
  for (int i = 0; i < 6; ++i) {
    const float half[2] = {kG[i][0] * joined[0][0] + kG[i][1] * joined[0][1],
                           kG[i][0] * joined[1][0] + kG[i][1] * joined[1][1]};
    for (int j = 0; j < 6; ++j) {
      into[i * 6 + j] = half[0] * kG[j][0] + half[1] * kG[j][1];
    }
  }
}

}  // namespace streamdiffusion::cpu
#endif
