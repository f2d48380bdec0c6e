#include "device/cpu/reduced/reduced_kernel.h"

#include <algorithm>

#include "core/round_up.h"
#include "device/cpu/cache_sizes.h"
#include "device/cpu/simd/amx.h"
#include "device/cpu/simd/vnni_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/reduced/reduced_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/matrix/finish-inl.h"
#include "device/cpu/simd/bf16-inl.h"
#include "device/cpu/simd/unit-tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

// ---- Blocks of pixels

// Bytes of a panel's weights that stay in the second-level cache while the blocks of a pass use them. Larger
// panels are multiplied some kernel lines at a time, and the sums of all blocks of the pass are kept
// meanwhile. bf16 results depend on it, as the sum of these lines is rounded.
constexpr std::int64_t kCachedWeights = kReferenceCaches.second_level / 2;
constexpr std::int64_t kPassBlocks = 8;
constexpr std::size_t kBlockSums = static_cast<std::size_t>(kBlockPixels) * kPanelColumns;

/// Consecutive output pixels of one line or, with stride 1, of a whole image. In an image, the padding
/// between two lines counts as pixels, which are computed but not written.
struct PixelBlock {
  std::int64_t image;
  std::int64_t line;   // First line of the image that pixels are counted from.
  std::int64_t first;  // First pixel, counted from the beginning of that line.
  std::int64_t count;
};

/// Divides a task's pixels into blocks. A run is the stretch of pixels that blocks are cut from: an image
/// with stride 1, else a line.
class BlockLayout {
 public:
  explicit BlockLayout(const ReducedTask& task)
      : runs_(task.conv.stride == 1 ? 1 : task.lines),
        pitch_(task.conv.stride == 1 ? task.line_bytes / task.pixel_bytes : task.conv.out_w),
        run_pixels_((task.lines / runs_ - 1) * pitch_ + task.conv.out_w),
        blocks_per_run_(divide_up(run_pixels_, kBlockPixels)) {}

  [[nodiscard]] std::int64_t blocks_per_image() const { return runs_ * blocks_per_run_; }
  /// Pixels from line to line, padding included.
  [[nodiscard]] std::int64_t pitch() const { return pitch_; }
  [[nodiscard]] PixelBlock block(std::int64_t index) const {
    const std::int64_t first = index % blocks_per_run_ * kBlockPixels;
    return {index / blocks_per_image(), index / blocks_per_run_ % runs_, first,
            std::min(kBlockPixels, run_pixels_ - first)};
  }

 private:
  std::int64_t runs_;  // Runs in an image.
  std::int64_t pitch_;
  std::int64_t run_pixels_;      // Pixels in a run, padding included.
  std::int64_t blocks_per_run_;  // Blocks in a run.
};

/// Calls part(pixels, offset in the block) for each stretch of the block's pixels that lies in one line,
/// leaving out the padding between lines.
template <typename Part>
void for_lines(const ReducedTask& task, const BlockLayout& blocks, const PixelBlock& block,
               const Part& part) {
  const std::int64_t width = task.conv.out_w;
  for (std::int64_t place = block.first; place < block.first + block.count;) {
    const std::int64_t line = block.line + place / blocks.pitch();
    const std::int64_t x = place % blocks.pitch();
    const std::int64_t count = std::min(width - x, block.first + block.count - place);
    if (count > 0) {
      const std::int64_t global = task.first_line + block.image * task.conv.out_h + line;
      part(PixelRun{global, global / task.conv.out_h, global % task.conv.out_h, x, static_cast<int>(count)},
           place - block.first);
    }
    place += x < width ? count : blocks.pitch() - x;
  }
}

/// Multiplies a block by kernel lines first .. last - 1 of a panel. Adds to `sums` unless first is 0.
void multiply_block(const ReducedTask& task, const BlockLayout& blocks, const PixelBlock& block,
                    const Panel& panel, std::int64_t first, std::int64_t last, float* sums) {
  const ConvTask& conv = task.conv;
  const std::int64_t x_stride = conv.stride * task.pixel_bytes;
  const std::int64_t panel_width = task.features.amx ? kAmxTile : static_cast<std::int64_t>(panel.columns());
  const std::int64_t weight_line = task.weight_units * panel_width * kUnit;
  const std::uint8_t* x = task.x + block.image * task.image_bytes +
                          (block.line * conv.stride + first) * task.line_bytes + block.first * x_stride;
  const std::int8_t* weights =
      task.weights + static_cast<std::int64_t>(panel.first_column) * conv.kernel * task.weight_units * kUnit +
      first * weight_line;
  if (task.features.amx) {
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
  for_lines(task, blocks, block, [&](const PixelRun& pixels, std::int64_t place) {
    const UnitTile tile{.x = x + place * x_stride,
                        .x_line = static_cast<std::size_t>(task.line_bytes),
                        .x_stride = static_cast<std::size_t>(x_stride),
                        .weights = weights,
                        .weight_line = static_cast<std::size_t>(weight_line),
                        .lines = static_cast<std::size_t>(last - first),
                        .units = static_cast<std::size_t>(task.weight_units),
                        .add = first > 0,
                        .sums = sums + place * static_cast<std::int64_t>(panel.columns()),
                        .sums_stride = panel.columns(),
                        .avx_vnni = task.features.avx_vnni};
    if (task.format == Format::bf16) {
      multiply_rows<Format::bf16>(tile, pixels.count, panel.vectors);
    } else {
      multiply_rows<Format::int8>(tile, pixels.count, panel.vectors);
    }
  });
}

/// Dequantises the int32 sums of a tile, with the interface of FloatSums. With kByPixel each pixel has a
/// quantisation of its own; else all share one.
template <bool kByPixel>
class IntegerSums {
 public:
  /// `quantization` belongs to the tile's first pixel.
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

/// Calls function(pointer to the output) like with_type. For bfloat16 the pointer's type makes stores use the
/// processor's rounding instruction if it has one.
template <typename Function>
HWY_INLINE void with_output_type(const ReducedTask& task, const Function& function) {
#if STREAMDIFFUSION_VNNI
  if (task.features.bf16 && task.conv.out.type == DType::bf16) {
    function(static_cast<NativeBf16*>(task.conv.out.data));
    return;
  }
#endif
  with_type(task.conv.out, function);
}

void finish_block(const ReducedTask& task, const BlockLayout& blocks, const PixelBlock& block,
                  const Panel& panel, const float* sums) {
  with_output_type(task, [&](auto* out) {
    for_lines(task, blocks, block, [&](const PixelRun& pixels, std::int64_t place) {
      const float* const values = sums + place * static_cast<std::int64_t>(panel.columns());
      if (task.format == Format::int8 && task.quantized_by_pixel) {
        const Quantization* const first = task.quantization + pixels.line * task.conv.out_w + pixels.x;
        finish_tile(panel, pixels, out, IntegerSums<true>(task, panel, first, values), true, true);
      } else if (task.format == Format::int8) {
        const Quantization* const all = task.quantization + block.image;
        finish_tile(panel, pixels, out, IntegerSums<false>(task, panel, all, values), true, true);
      } else {
        finish_tile(panel, pixels, out, FloatSums(values, panel.columns()), true, true);
      }
    });
  });
}

std::int64_t ReducedScratch() { return static_cast<std::int64_t>(kPassBlocks * kBlockSums); }

void RunReducedTask(const ReducedTask& task, const ReducedPart& part, float* scratch) {
  const BlockLayout blocks(task);
  const std::int64_t kernel = task.conv.kernel;
  const std::int64_t block_bytes = kBlockPixels * task.conv.stride * task.pixel_bytes;
  const std::int64_t pass = std::clamp<std::int64_t>(task.pass_bytes / block_bytes, 1, kPassBlocks);
  const std::int64_t weight_line = task.weight_units * static_cast<std::int64_t>(kPanelColumns) * kUnit;
  const std::int64_t lines = std::clamp<std::int64_t>(kCachedWeights / weight_line, 1, kernel);
  for (std::int64_t from = part.blocks.first; from < part.blocks.last; from += pass) {
    const std::int64_t to = std::min(from + pass, part.blocks.last);
    for (std::int64_t index = part.panels.first; index < part.panels.last; ++index) {
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

std::int64_t BlockCount(const ReducedTask& task) {
  return BlockLayout(task).blocks_per_image() * task.images;
}

bool AddsPairsOfBytes(const Features& features) { return adds_pairs_of_bytes(features); }

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(BlockCount);
HWY_EXPORT(ReducedScratch);
HWY_EXPORT(RunReducedTask);
HWY_EXPORT(AddsPairsOfBytes);

std::int64_t block_count(const ReducedTask& task) { return HWY_DYNAMIC_DISPATCH(BlockCount)(task); }

std::int64_t bytes_read_beyond(const ReducedTask& task) {
  return task.features.amx ? 2 * kAmxTile * task.conv.stride * task.pixel_bytes + kAmxStep : 0;
}

std::int64_t reduced_scratch() { return HWY_DYNAMIC_DISPATCH(ReducedScratch)(); }

void reduced_task(const ReducedTask& task, const ReducedPart& part, float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunReducedTask)(task, part, scratch);
}

bool adds_in_16_bits(const Features& features) { return HWY_DYNAMIC_DISPATCH(AddsPairsOfBytes)(features); }

}  // namespace streamdiffusion::cpu
#endif
