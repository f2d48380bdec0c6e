#include "device/cpu/reduced_kernel.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "device/cpu/amx.h"

// Unlike the other kernels this one is compiled for AVX-512 with VNNI, too.
#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4)
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/reduced_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/bf16-inl.h"
#include "device/cpu/finish-inl.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

using IntTag = hn::RebindToSigned<Tag>;
using Ints = hn::Vec<IntTag>;

/// The products of a unit added to each lane of `sums`: of four bytes, `left` unsigned and `right` signed, to
/// an integer; or of two bfloat16 to a float.
template <Format kFormat>
HWY_INLINE Ints multiply_add(Ints sums, Ints left, Ints right) {
#if STREAMDIFFUSION_VNNI
  if constexpr (kFormat == Format::bf16) {
    return add_pairs(sums, left, right);
  }
  // Not by its intrinsic: Highway 1.0.3 names another VNNI to the compiler than the one it looks for.
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums.raw) : "v"(left.raw), "v"(right.raw));
  return sums;
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  // As pairs of 16-bit numbers: those at even places, then those at odd ones.
  const IntTag di;
  const hn::Repartition<std::int16_t, IntTag> d16;
  const auto even_left = hn::And(left, hn::Set(di, 0x00FF00FF));
  const auto odd_left = hn::And(hn::ShiftRight<8>(left), hn::Set(di, 0x00FF00FF));
  const auto right16 = hn::BitCast(d16, right);
  const auto even_right = hn::ShiftRight<8>(hn::ShiftLeft<8>(right16));
  const auto odd_right = hn::ShiftRight<8>(right16);
#if HWY_TARGET == HWY_AVX3
  const Ints even{_mm512_madd_epi16(even_left.raw, even_right.raw)};
  const Ints odd{_mm512_madd_epi16(odd_left.raw, odd_right.raw)};
#else
  const Ints even{_mm256_madd_epi16(even_left.raw, even_right.raw)};
  const Ints odd{_mm256_madd_epi16(odd_left.raw, odd_right.raw)};
#endif
  return hn::Add(sums, hn::Add(even, odd));
#else
  const IntTag di;
  const auto byte = hn::Set(di, 0xFF);
  sums = hn::Add(sums, hn::Mul(hn::And(left, byte), hn::ShiftRight<24>(hn::ShiftLeft<24>(right))));
  sums = hn::Add(
      sums, hn::Mul(hn::And(hn::ShiftRight<8>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<16>(right))));
  sums = hn::Add(
      sums, hn::Mul(hn::And(hn::ShiftRight<16>(left), byte), hn::ShiftRight<24>(hn::ShiftLeft<8>(right))));
  return hn::Add(sums, hn::Mul(hn::And(hn::ShiftRight<24>(left), byte), hn::ShiftRight<24>(right)));
#endif
}

/// The lines of the kernel that a tile sees: as many runs of units, which follow one another in the panel.
struct UnitTile {
  const std::uint8_t* x;
  std::size_t x_line;    // bytes from line to line
  std::size_t x_stride;  // from pixel to pixel
  const std::int8_t* weights;
  std::size_t weight_line;
  std::size_t lines;
  std::size_t units;
  bool add;     // to what is in `sums`
  float* sums;  // or integers of the same size
};

HWY_INLINE std::int32_t load_unit(const std::uint8_t* from) {
  std::int32_t unit = 0;
  std::memcpy(&unit, from, kUnit);
  return unit;
}

HWY_INLINE Ints load_sums(const float* from) { return hn::BitCast(IntTag(), hn::LoadU(Tag(), from)); }
HWY_INLINE void store_sums(Ints sums, float* to) { hn::StoreU(hn::BitCast(Tag(), sums), Tag(), to); }

template <Format kFormat, int kRows, int kVectors>
HWY_NOINLINE void multiply_units(const UnitTile& tile) {
  const IntTag di;
  Ints acc[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      acc[r][v] = hn::Zero(di);
    }
  }
  const std::size_t stride = tile.x_stride;
  for (std::size_t line = 0; line < tile.lines; ++line) {
    const std::uint8_t* HWY_RESTRICT x = tile.x + line * tile.x_line;
    const std::uint8_t* end = x + tile.units * kUnit;
    const std::int8_t* HWY_RESTRICT weights = tile.weights + line * tile.weight_line;
#pragma GCC unroll 1
    while (x != end) {
      Ints column[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        column[v] = hn::Load(di, reinterpret_cast<const std::int32_t*>(weights) + v * kLanes);
        hwy::Prefetch(weights + (kAhead * kVectors + v) * kLanes * kUnit);
      }
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) {
        const Ints left = hn::Set(di, load_unit(x + r * stride));
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
          acc[r][v] = multiply_add<kFormat>(acc[r][v], left, column[v]);
        }
      }
      x += kUnit;
      weights += kVectors * kLanes * kUnit;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      float* sums = tile.sums + (r * kVectors + v) * kLanes;
      if (tile.add) {
        if constexpr (kFormat == Format::bf16) {
          acc[r][v] = hn::BitCast(di, hn::Add(hn::BitCast(Tag(), acc[r][v]), hn::LoadU(Tag(), sums)));
        } else {
          acc[r][v] = hn::Add(acc[r][v], load_sums(sums));
        }
      }
      store_sums(acc[r][v], sums);
    }
  }
}

using UnitTileFunction = void (*)(const UnitTile&);

template <Format kFormat, int kVectors, int... kRows>
constexpr std::array<UnitTileFunction, kMaxTileRows + 1> unit_tiles(std::integer_sequence<int, kRows...>) {
  return {nullptr, &multiply_units<kFormat, kRows + 1, kVectors>...};
}

/// The tile of `rows` x `vectors`; rows at most tile_rows(vectors).
template <Format kFormat>
UnitTileFunction unit_tile(int rows, int vectors) {
  static constexpr auto k1 = unit_tiles<kFormat, 1>(std::make_integer_sequence<int, tile_rows(1)>());
  static constexpr auto k2 = unit_tiles<kFormat, 2>(std::make_integer_sequence<int, tile_rows(2)>());
  if constexpr (kPanelVectors == 4) {
    static constexpr auto k3 = unit_tiles<kFormat, 3>(std::make_integer_sequence<int, tile_rows(3)>());
    static constexpr auto k4 = unit_tiles<kFormat, 4>(std::make_integer_sequence<int, tile_rows(4)>());
    if (vectors == 4) {
      return k4[static_cast<std::size_t>(rows)];
    }
    if (vectors == 3) {
      return k3[static_cast<std::size_t>(rows)];
    }
  }
  return vectors == 2 ? k2[static_cast<std::size_t>(rows)] : k1[static_cast<std::size_t>(rows)];
}

UnitTileFunction unit_tile(Format format, int rows, int vectors) {
#if STREAMDIFFUSION_VNNI
  if (format == Format::bf16) {
    return unit_tile<Format::bf16>(rows, vectors);
  }
#else
  static_cast<void>(format);
#endif
  return unit_tile<Format::int8>(rows, vectors);
}

// ---- Blocks of pixels

// Input that is kept in the second-level cache while all panels pass over it.
constexpr std::int64_t kCachedInput = std::int64_t{768} << 10U;
// Weights that are kept there while the blocks of a pass go by; sums of several blocks are open meanwhile.
constexpr std::int64_t kCachedWeights = std::int64_t{1} << 20U;
constexpr std::int64_t kPassBlocks = 8;
constexpr std::size_t kBlockSums = static_cast<std::size_t>(kBlockPixels) * kPanelColumns;

/// Output pixels that follow one another in a line or, where the kernel steps from pixel to pixel, over the
/// lines of a picture: what lies between two lines is computed along and left out.
struct Block {
  std::int64_t picture;
  std::int64_t line;   // of the picture, where its count begins
  std::int64_t first;  // place after the beginning of that line
  std::int64_t count;
};

/// How a task's pixels are divided into blocks.
class Blocks {
 public:
  explicit Blocks(const ReducedTask& task)
      : runs_(task.conv.stride == 1 ? 1 : task.lines),
        pitch_(task.conv.stride == 1 ? task.line_bytes / task.pixel_bytes : task.conv.out_w),
        places_((task.lines / runs_ - 1) * pitch_ + task.conv.out_w),
        in_run_((places_ + kBlockPixels - 1) / kBlockPixels) {}

  [[nodiscard]] std::int64_t in_picture() const { return runs_ * in_run_; }
  /// Places from line to line.
  [[nodiscard]] std::int64_t pitch() const { return pitch_; }
  [[nodiscard]] Block block(std::int64_t index) const {
    const std::int64_t first = index % in_run_ * kBlockPixels;
    return {index / in_picture(), index / in_run_ % runs_, first, std::min(kBlockPixels, places_ - first)};
  }

 private:
  std::int64_t runs_;  // of lines whose pixels are counted on, in a picture
  std::int64_t pitch_;
  std::int64_t places_;  // in a run
  std::int64_t in_run_;  // blocks
};

/// Calls part(pixels, place in the block) for each stretch of the block's pixels that lies in one line.
template <typename Part>
void for_lines(const ReducedTask& task, const Blocks& blocks, const Block& block, const Part& part) {
  const std::int64_t width = task.conv.out_w;
  for (std::int64_t place = block.first; place < block.first + block.count;) {
    const std::int64_t line = block.line + place / blocks.pitch();
    const std::int64_t x = place % blocks.pitch();
    const std::int64_t count = std::min(width - x, block.first + block.count - place);
    if (count > 0) {
      const std::int64_t global = task.first_line + block.picture * task.conv.out_h + line;
      part(Pixels{global, global / task.conv.out_h, global % task.conv.out_h, x, static_cast<int>(count)},
           place - block.first);
    }
    place += x < width ? count : blocks.pitch() - x;
  }
}

/// Adds kernel lines first .. last - 1 to the sums of a block.
void multiply_block(const ReducedTask& task, const Blocks& blocks, const Block& block, const Panel& panel,
                    std::int64_t first, std::int64_t last, float* sums) {
  const ConvTask& conv = task.conv;
  const std::int64_t x_stride = conv.stride * task.pixel_bytes;
  const std::int64_t together = task.amx ? kAmxTile : static_cast<std::int64_t>(panel.columns());
  const std::int64_t weight_line = task.weight_units * together * kUnit;
  const std::uint8_t* x = task.x + block.picture * task.picture_bytes +
                          (block.line * conv.stride + first) * task.line_bytes + block.first * x_stride;
  const std::int8_t* weights =
      task.weights + static_cast<std::int64_t>(panel.first_column) * conv.kernel * task.weight_units * kUnit +
      first * weight_line;
  if (task.amx) {
    amx_multiply({.type = task.format == Format::bf16 ? AmxType::bf16 : AmxType::int8,
                  .x = x,
                  .x_stride = static_cast<std::size_t>(x_stride),
                  .x_line = static_cast<std::size_t>(task.line_bytes),
                  .weights = weights,
                  .weight_row = static_cast<std::size_t>(kAmxTile * kUnit),
                  .weight_line = static_cast<std::size_t>(weight_line),
                  .weight_tile = static_cast<std::size_t>(conv.kernel * weight_line),
                  .columns = panel.columns(),
                  .lines = static_cast<std::size_t>(last - first),
                  .steps = static_cast<std::size_t>(task.weight_units * kUnit / kAmxStep),
                  .rows = static_cast<std::size_t>(block.count),
                  .add = first > 0,
                  .sums = sums});
    return;
  }
  const int most_rows = tile_rows(panel.vectors);
  for_lines(task, blocks, block, [&](const Pixels& pixels, std::int64_t place) {
    const std::int64_t tiles = (pixels.count + most_rows - 1) / most_rows;
    std::int64_t from = 0;
    for (std::int64_t i = 0; i < tiles; ++i) {
      const std::int64_t end = pixels.count * (i + 1) / tiles;
      unit_tile(task.format, static_cast<int>(end - from), panel.vectors)(
          {x + (place + from) * x_stride, static_cast<std::size_t>(task.line_bytes),
           static_cast<std::size_t>(x_stride), weights, static_cast<std::size_t>(weight_line),
           static_cast<std::size_t>(last - first), static_cast<std::size_t>(task.weight_units), first > 0,
           sums + (place + from) * static_cast<std::int64_t>(panel.columns())});
      from = end;
    }
  });
}

/// A tile's sums of integers, as FloatSums: what they stand for. All are of one quantization, or each pixel
/// of its own.
template <bool kByPixel>
class IntegerSums {
 public:
  /// `quantization` is that of the tile's first pixel.
  IntegerSums(const ReducedTask& task, const Panel& panel, const Quantization* quantization,
              const float* first)
      : task_(task), panel_(panel), quantization_(quantization), first_(first) {}

  [[nodiscard]] HWY_INLINE auto at(std::size_t column) const {
    const Tag d;
    const IntTag di;
    const auto weight_sums = hn::LoadU(di, task_.weight_sums + panel_.first_column + column);
    const auto scales = hn::LoadU(d, task_.weight_scales + panel_.first_column + column);
    const float* const sums = first_ + column;
    const std::size_t columns = panel_.columns();
    if constexpr (kByPixel) {
      return [=, quantization = quantization_](int row) {
        const Quantization& x = quantization[row];
        const auto sum = hn::Sub(load_sums(sums + static_cast<std::size_t>(row) * columns),
                                 hn::Mul(hn::Set(di, x.zero), weight_sums));
        return hn::Mul(hn::ConvertTo(d, sum), hn::Mul(hn::Set(d, x.scale), scales));
      };
    } else {
      const auto shift = hn::Mul(hn::Set(di, quantization_->zero), weight_sums);
      const auto scale = hn::Mul(hn::Set(d, quantization_->scale), scales);
      return [=](int row) {
        const auto sum = hn::Sub(load_sums(sums + static_cast<std::size_t>(row) * columns), shift);
        return hn::Mul(hn::ConvertTo(d, sum), scale);
      };
    }
  }

 private:
  const ReducedTask& task_;
  const Panel& panel_;
  const Quantization* quantization_;
  const float* first_;
};

/// with_type for an output, which is rounded by an instruction of its own where there is one.
template <typename Function>
HWY_INLINE void with_output_type(const ReducedTask& task, const Function& function) {
#if STREAMDIFFUSION_VNNI
  if (task.rounds && task.conv.out.type == DType::bf16) {
    function(static_cast<NativeBf16*>(task.conv.out.data));
    return;
  }
#endif
  with_type(task.conv.out, function);
}

void finish_block(const ReducedTask& task, const Blocks& blocks, const Block& block, const Panel& panel,
                  const float* sums) {
  with_output_type(task, [&](auto* out) {
    for_lines(task, blocks, block, [&](const Pixels& pixels, std::int64_t place) {
      const float* const values = sums + place * static_cast<std::int64_t>(panel.columns());
      if (task.format == Format::int8 && task.quantized_by_pixel) {
        const Quantization* const first = task.quantization + pixels.line * task.conv.out_w + pixels.x;
        finish_tile(panel, pixels, out, IntegerSums<true>(task, panel, first, values), true, true);
      } else if (task.format == Format::int8) {
        const Quantization* const all = task.quantization + block.picture;
        finish_tile(panel, pixels, out, IntegerSums<false>(task, panel, all, values), true, true);
      } else {
        finish_tile(panel, pixels, out, FloatSums(values, panel.columns()), true, true);
      }
    });
  });
}

std::int64_t ReducedScratch() { return static_cast<std::int64_t>(kPassBlocks * kBlockSums); }

void RunReducedTask(const ReducedTask& task, const ReducedPart& part, float* scratch) {
  const Blocks blocks(task);
  const std::int64_t kernel = task.conv.kernel;
  const std::int64_t block_bytes = kBlockPixels * task.conv.stride * task.pixel_bytes;
  const std::int64_t pass = std::clamp<std::int64_t>(kCachedInput / block_bytes, 1, kPassBlocks);
  const std::int64_t weight_line = task.weight_units * static_cast<std::int64_t>(kPanelColumns) * kUnit;
  const std::int64_t lines = std::clamp<std::int64_t>(kCachedWeights / weight_line, 1, kernel);
  for (std::int64_t from = part.first_block; from < part.last_block; from += pass) {
    const std::int64_t to = std::min(from + pass, part.last_block);
    for (std::int64_t index = part.first_panel; index < part.last_panel; ++index) {
      const Panel panel = make_panel(task.conv, index);
      for (std::int64_t first = 0; first < kernel; first += lines) {
        const std::int64_t last = std::min(first + lines, kernel);
        for (std::int64_t i = from; i < to; ++i) {
          const std::int64_t open = lines < kernel ? i - from : 0;
          float* sums = scratch + open * static_cast<std::int64_t>(kBlockSums);
          multiply_block(task, blocks, blocks.block(i), panel, first, last, sums);
          if (last == kernel) {
            finish_block(task, blocks, blocks.block(i), panel, sums);
          }
        }
      }
    }
  }
}

std::int64_t BlockCount(const ReducedTask& task) { return Blocks(task).in_picture() * task.pictures; }

bool MultipliesBytes() { return STREAMDIFFUSION_VNNI != 0; }

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(BlockCount);
HWY_EXPORT(ReducedScratch);
HWY_EXPORT(RunReducedTask);
HWY_EXPORT(MultipliesBytes);

std::int64_t block_count(const ReducedTask& task) { return HWY_DYNAMIC_DISPATCH(BlockCount)(task); }

std::int64_t bytes_read_beyond(const ReducedTask& task) {
  return task.amx ? 2 * kAmxTile * task.conv.stride * task.pixel_bytes + kAmxStep : 0;
}

std::int64_t reduced_scratch() { return HWY_DYNAMIC_DISPATCH(ReducedScratch)(); }

void reduced_task(const ReducedTask& task, const ReducedPart& part, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunReducedTask)(task, part, scratch);
}

bool multiplies_bytes() { return HWY_DYNAMIC_DISPATCH(MultipliesBytes)(); }

}  // namespace streamdiffusion::cpu
#endif
