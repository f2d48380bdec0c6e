#include <algorithm>
#include <cstring>
#include <type_traits>

#include "core/round_up.h"
#include "device/cpu/simd/vnni_targets.h"
#include "device/cpu/winograd/winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/winograd/winograd_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/simd/tile-inl.h"
#include "device/cpu/simd/unit-tile-inl.h"
#include "device/cpu/winograd/winograd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using namespace winograd_points;

constexpr std::int64_t kIn = inputs_of(kOut);
constexpr std::int64_t kSmallIn = inputs_of(kSmallOut);

/// Computes B^T x in place, for one side of a tile's inputs.
template <std::int64_t kSide>
HWY_INLINE void transform_input(V* x) {
  if constexpr (kSide == kSmallIn) {
    const V one = x[1];
    x[0] = hn::Sub(x[0], x[2]);
    x[1] = hn::Add(one, x[2]);
    x[2] = hn::Sub(x[2], one);
    x[3] = hn::Sub(x[3], one);
    return;
  }
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

/// Most neighbouring tiles of a line that are transformed together: neighbours share input columns.
constexpr std::int64_t kMostNeighbours = 8;
constexpr std::int64_t kMostColumns = kMostNeighbours * kPhaseOut + kIn - kPhaseOut;

/// The input lines that the tiles of one line read, null where they are padding. An upsampled image, computed
/// without phases, ends where the output ends.
template <typename T, std::int64_t kSide>
class InputLines {
 public:
  InputLines(const WinogradTask& task, const T* x, const TileOrigin& origin)
      : left_(origin.left - task.options.padding), stride_(task.x.stride) {
    const Shape& shape = task.x.shape;
    const bool upsampled = task.weights->resample == Resample::up && task.weights->phases == 1;
    const std::int64_t height = upsampled ? task.out.shape.h : shape.h;
    width_ = upsampled ? task.out.shape.w : shape.w;
    shift_ = upsampled ? 1 : 0;
    const T* const image = x + origin.row * shape.h * shape.w * stride_;
    for (std::int64_t i = 0; i < kSide; ++i) {
      const std::int64_t y = origin.top - task.options.padding + i;
      const bool inside = y >= 0 && y < height;
      lines_[i] = inside ? image + (y >> shift_) * shape.w * stride_ : nullptr;
      all_inside_ = all_inside_ && inside;
    }
  }

  [[nodiscard]] bool all_inside() const { return all_inside_; }
  [[nodiscard]] bool has(std::int64_t line) const { return lines_[line] != nullptr; }
  /// True if a column, counted from the first column of the first tile, is inside the image.
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
  const T* lines_[kSide];
  bool all_inside_ = true;
};

/// Computes B^T x for `columns` columns and a vector of channels from `c` on: half[column][kSide][lane].
template <typename T, std::int64_t kSide>
HWY_INLINE void transform_columns(const InputLines<T, kSide>& lines, std::int64_t columns, std::int64_t c,
                                  std::size_t valid, float* half) {
  const Tag d;
  const bool is_full = lines.all_inside() && valid >= kLanes;
  for (std::int64_t column = 0; column < columns; ++column) {
    V x[kSide];
    if (!lines.has_column(column)) {
      std::fill_n(x, kSide, hn::Zero(d));
    } else if (is_full) {
#pragma GCC unroll 6
      for (int i = 0; i < kSide; ++i) {
        x[i] = load_all(lines.at(i, column) + c);
      }
      transform_input<kSide>(x);
    } else {
      for (int i = 0; i < kSide; ++i) {
        x[i] = lines.has(i) ? load_part(lines.at(i, column) + c, valid) : hn::Zero(d);
      }
      transform_input<kSide>(x);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kSide; ++i) {
      hn::Store(x[i], d, half + (column * kSide + i) * static_cast<std::int64_t>(kLanes));
    }
  }
}

/// Magnitudes of float32 inputs.
struct FloatSizes {
  static constexpr Tag kTag{};
  HWY_INLINE static V load(const float* from) { return hn::Abs(load_all(from)); }
  HWY_INLINE static V load(const float* from, std::size_t valid) { return hn::Abs(load_part(from, valid)); }
  HWY_INLINE static float largest(V sizes) { return hn::GetLane(hn::MaxOfLanes(kTag, sizes)); }
};
/// Magnitudes of bfloat16 inputs, compared by their bits without the sign, which have the same order.
struct BitSizes {
  static constexpr hn::CappedTag<std::uint16_t, 32> kTag{};
  using Bits = hn::Vec<hn::CappedTag<std::uint16_t, 32>>;
  HWY_INLINE static Bits without_sign(Bits bits) { return hn::And(bits, hn::Set(kTag, 0x7FFF)); }
  HWY_INLINE static Bits load(const Bf16* from) { return without_sign(hn::LoadU(kTag, &from->bits)); }
  HWY_INLINE static Bits load(const Bf16* from, std::size_t valid) {
    HWY_ALIGN Bf16 part[hn::MaxLanes(kTag)] = {};
    std::memcpy(part, from, std::min(valid, hn::MaxLanes(kTag)) * sizeof(Bf16));
    return load(part);
  }
  HWY_INLINE static float largest(Bits sizes) {
    return to_float(Bf16{hn::GetLane(hn::MaxOfLanes(kTag, sizes))});
  }
};
template <typename T>
using Sizes = std::conditional_t<std::is_same_v<T, float>, FloatSizes, BitSizes>;

/// Returns the largest magnitude on one column of the lines that tiles of a line read.
template <typename T>
HWY_INLINE float largest_of_column(const InputLines<T, kIn>& lines, std::int64_t column,
                                   std::int64_t channels) {
  using S = Sizes<T>;
  constexpr auto kStep = static_cast<std::int64_t>(hn::MaxLanes(S::kTag));
  decltype(hn::Zero(S::kTag)) most[kIn];
  std::fill_n(most, kIn, hn::Zero(S::kTag));
  const auto look = [&](std::int64_t c, const auto... valid) {
#pragma GCC unroll 6
    for (int i = 0; i < kIn; ++i) {
      if (lines.all_inside() || lines.has(i)) {
        most[i] = hn::Max(most[i], S::load(lines.at(i, column) + c, valid...));
      }
    }
  };
  const std::int64_t full_channels = channels / kStep * kStep;
  for (std::int64_t c = 0; c < full_channels; c += kStep) {
    look(c);
  }
  if (full_channels < channels) {
    look(full_channels, static_cast<std::size_t>(channels - full_channels));
  }
  const auto three = hn::Max(hn::Max(most[0], most[1]), most[2]);
  return S::largest(hn::Max(three, hn::Max(hn::Max(most[3], most[4]), most[5])));
}

/// Finds the largest magnitude that each of `tiles` neighbouring tiles reads: largest[tile].
template <typename T>
void find_largest(const InputLines<T, kIn>& lines, std::int64_t tiles, std::int64_t tile_stride,
                  std::int64_t channels, float* largest) {
  std::fill_n(largest, tiles, kSmallestRange);
  for (std::int64_t column = 0; column < (tiles - 1) * tile_stride + kIn; ++column) {
    if (!lines.has_column(column)) {
      continue;
    }
    const float of_column = largest_of_column(lines, column, channels);
    const std::int64_t last = std::min(column / tile_stride, tiles - 1);
    for (std::int64_t tile = last; tile >= 0 && column - tile * tile_stride < kIn; --tile) {
      largest[tile] = std::max(largest[tile], of_column);
    }
  }
}

/// Writes transformed inputs as float32 or bfloat16.
template <typename Number>
class PlainWriter {
 public:
  template <typename Lines>
  void begin(const Lines& /*lines*/, std::int64_t /*tile*/, std::int64_t /*tiles*/) {}
  HWY_INLINE void write(V value, std::int64_t /*tile*/, std::int64_t /*position*/, Number* to) const {
    store_all(value, to);
  }
};

/// Rounds to int16 with saturation, without Highway's handling of values beyond int32.
HWY_INLINE auto nearest_int16(V value) {
  const hn::Rebind<std::int16_t, Tag> d16;
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  return hn::Vec<decltype(d16)>{_mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(value.raw))};
#elif HWY_TARGET == HWY_AVX2
  const __m256i rounded = _mm256_cvtps_epi32(value.raw);
  return hn::Vec<decltype(d16)>{
      _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1))};
#else
  return hn::DemoteTo(d16, hn::NearestInt(value));
#endif
}

/// Writes transformed inputs as int16.
class Int16Writer {
 public:
  Int16Writer(const WinogradTask& task, float* scales) : task_(task), scales_(scales) {}

  /// Computes the scales of `tiles` neighbouring tiles; `tile` is the first one's index in `scales`.
  template <typename Lines>
  void begin(const Lines& lines, std::int64_t tile, std::int64_t tiles) {
    const float most = task_.weights->largest_input;
    float largest[kMostNeighbours];
    find_largest(lines, tiles, task_.weights->tile_stride(), task_.x.shape.c, largest);
    for (std::int64_t i = 0; i < tiles; ++i) {
      scales_[tile + i] = largest[i] / most;
      for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
        factors_[i][position] = most / (largest[i] * kInputs[position / kIn] * kInputs[position % kIn]);
      }
    }
  }
  HWY_INLINE void write(V value, std::int64_t tile, std::int64_t position, std::int16_t* to) const {
    const hn::Rebind<std::int16_t, Tag> d16;
    hn::StoreU(nearest_int16(times(factors_[tile][position], value)), d16, to);
  }

 private:
  const WinogradTask& task_;
  float* scales_;
  float factors_[kMostNeighbours][kWinogradPositions];
};

/// Computes (B^T x) B of a tile from its columns B^T x in `half`. `tile` is its index among the neighbours
/// that are transformed together.
template <std::int64_t kSide, typename Number, typename Writer>
HWY_INLINE void transform_lines(const float* half, std::int64_t tile, const Writer& writer, Number* into,
                                std::int64_t stride) {
#pragma GCC unroll 1
  for (int i = 0; i < kSide; ++i) {
    V x[kSide];
#pragma GCC unroll 6
    for (int j = 0; j < kSide; ++j) {
      x[j] = hn::Load(Tag(), half + (j * kSide + i) * static_cast<std::int64_t>(kLanes));
    }
    transform_input<kSide>(x);
#pragma GCC unroll 6
    for (int j = 0; j < kSide; ++j) {
      writer.write(x[j], tile, i * kSide + j, into + j * stride);
    }
    into += kSide * stride;
  }
}

template <std::int64_t kSide, typename T, typename Number, typename Writer>
void transform_tiles(const WinogradTask& task, const T* x, std::int64_t first, std::int64_t last,
                     Writer writer, Number* into, std::int64_t stride) {
  constexpr auto kStep = static_cast<std::int64_t>(kLanes);
  HWY_ALIGN float half[kMostColumns * kIn * kLanes];
  const std::int64_t channels = task.x.shape.c;
  const std::int64_t padded_channels = task.weights->padded_in_channels;
  const std::int64_t tile_stride = task.weights->tile_stride();
  const TileOrigins origins(task);
  for (std::int64_t tile = first, next = 0; tile < last; tile = next) {
    next = std::min({last, tile + kMostNeighbours, origins.end_of_line(tile)});
    const InputLines<T, kSide> lines(task, x, origins.at(tile));
    writer.begin(lines, tile - first, next - tile);
    for (std::int64_t c = 0; c < channels; c += kStep) {
      transform_columns(lines, (next - tile) * tile_stride + kSide - tile_stride, c,
                        static_cast<std::size_t>(channels - c), half);
      for (std::int64_t i = 0; i < next - tile; ++i) {
        transform_lines<kSide>(half + i * tile_stride * kSide * kStep, i, writer,
                               into + (tile - first + i) * padded_channels + c, stride);
      }
    }
  }
}

void Input(const WinogradTask& task, std::int64_t first, std::int64_t last, std::byte* into,
           std::int64_t stride, float* scales) {
  with_type(elements_of(task.x), [&](const auto* x) {
    const auto transform = [&](const auto& writer, auto* numbers) {
      transform_tiles<kIn>(task, x, first, last, writer, numbers, stride);
    };
    if (task.weights->outputs == kSmallOut) {
      transform_tiles<kSmallIn>(task, x, first, last, PlainWriter<float>(), reinterpret_cast<float*>(into),
                                stride);
      return;
    }
    switch (task.weights->format) {
      case WinogradFormat::f32:
        transform(PlainWriter<float>(), reinterpret_cast<float*>(into));
        break;
      case WinogradFormat::bf16:
        with_native_type(task, Elements{into, DType::bf16}, [&](auto* numbers) {
          transform(PlainWriter<std::remove_pointer_t<decltype(numbers)>>(), numbers);
        });
        break;
      case WinogradFormat::int16:
        transform(Int16Writer(task, scales), reinterpret_cast<std::int16_t*>(into));
        break;
    }
  });
}

void multiply_floats(const WinogradTask& task, std::int64_t tiles, const float* inputs, const float* matrix,
                     int vectors, float* products) {
  const WinogradWeights& weights = *task.weights;
  const auto steps = static_cast<std::size_t>(weights.in_channels);
  const std::size_t numbers = steps * static_cast<std::size_t>(vectors) * kLanes;
  NextWeights next(matrix + numbers, numbers * sizeof(float));
  for_row_tiles(tiles, vectors, [&](std::int64_t first, int rows) {
    const Run run{inputs + first * weights.padded_in_channels, matrix, steps};
    tile_function(rows, vectors)({.runs = &run,
                                  .run_count = 1,
                                  .a_stride = static_cast<std::size_t>(weights.padded_in_channels),
                                  .c = products + first * weights.columns,
                                  .c_stride = static_cast<std::size_t>(weights.columns),
                                  .next = next.take(steps)});
  });
}

void MultiplyPanel(const WinogradTask& task, std::int64_t position, std::int64_t panel, std::int64_t tiles,
                   const std::byte* inputs, float* products) {
  const WinogradWeights& weights = *task.weights;
  const auto columns = static_cast<std::size_t>(weights.columns);
  const auto column = static_cast<std::size_t>(panel) * kPanelColumns;
  const std::int64_t place = position * weights.position_numbers +
                             static_cast<std::int64_t>(column) * (weights.position_numbers / weights.columns);
  const std::byte* const matrix =
      static_cast<const std::byte*>(weights.weights.data()) + place * bytes_of(weights.format);
  const int vectors = panel_vectors(column, columns);
  if (weights.format == WinogradFormat::f32) {
    multiply_floats(task, tiles, reinterpret_cast<const float*>(inputs),
                    reinterpret_cast<const float*>(matrix), vectors, products + column);
    return;
  }
  const UnitTile tile{
      .x = reinterpret_cast<const std::uint8_t*>(inputs),
      .x_line = 0,
      .x_stride = static_cast<std::size_t>(weights.padded_in_channels * bytes_of(weights.format)),
      .weights = reinterpret_cast<const std::int8_t*>(matrix),
      .weight_line = 0,
      .lines = 1,
      .units = static_cast<std::size_t>(weights.in_channels + 1) / 2,
      .add = false,
      .sums = products + column,
      .sums_stride = columns,
      .avx_vnni = task.features.avx_vnni};
  if (weights.format == WinogradFormat::bf16) {
    multiply_rows<Format::bf16>(tile, tiles, vectors);
  } else {
    multiply_rows<Format::int16>(tile, tiles, vectors);
  }
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(Input);
HWY_EXPORT(MultiplyPanel);

void winograd_input(const WinogradTask& task, std::int64_t first, std::int64_t last, std::byte* into,
                    std::int64_t stride, float* scales) {
  HWY_DYNAMIC_DISPATCH(Input)(task, first, last, into, stride, scales);
}

void winograd_product(const WinogradTask& task, std::int64_t position, std::int64_t panel, std::int64_t tiles,
                      const std::byte* inputs, float* products) {
  HWY_DYNAMIC_DISPATCH(MultiplyPanel)(task, position, panel, tiles, inputs, products);
}

}  // namespace streamdiffusion::cpu
#endif
