#include <algorithm>

#include "device/cpu/winograd.h"

// Compiled for AVX-512 with VNNI, too, as reduced_kernel.cpp.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/winograd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/tile-inl.h"
#include "device/cpu/unit-tile-inl.h"
#include "device/cpu/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using namespace winograd_points;

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

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(Input);
HWY_EXPORT(MultiplyPanel);

void winograd_input(const WinogradTask& task, std::int64_t first, std::int64_t last, const Elements& into,
                    std::int64_t stride) {
  HWY_DYNAMIC_DISPATCH(Input)(task, first, last, into, stride);
}

void winograd_product(const WinogradWeights& weights, std::int64_t position, std::int64_t panel,
                      std::int64_t tiles, const Elements& inputs, float* products) {
  HWY_DYNAMIC_DISPATCH(MultiplyPanel)(weights, position, panel, tiles, inputs, products);
}

}  // namespace streamdiffusion::cpu
#endif
