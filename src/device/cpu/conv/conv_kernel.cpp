#include <algorithm>
#include <cstring>

#include "core/round_up.h"
#include "device/cpu/cache_sizes.h"
#include "device/cpu/kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/conv/conv_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "device/cpu/matrix/finish-inl.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {
namespace {

// A chunk of a panel's weights stays in the second-level cache while all tiles pass over it: 384 KiB. Results
// depend on it, as each chunk's sum is rounded.
constexpr std::size_t kChunkFloats = kReferenceCaches.second_level * 3 / 16 / sizeof(float);
constexpr std::size_t kFewestInner = 64;  // Shortest chunk of the inner dimension.
constexpr std::size_t kMaxRuns = 64;      // Kernel lines at most.

std::size_t inner_size(const ConvTask& task) {
  return static_cast<std::size_t>(task.kernel * task.kernel * task.in_channels);
}

/// Length of the chunks into which the inner dimension is split for a panel of `columns` columns.
std::size_t inner_chunk(const ConvTask& task, std::size_t columns) {
  const std::size_t inner = inner_size(task);
  // The output keeps partial sums. GEGLU leaves half the channels for them, and bf16 would round them.
  if (task.geglu || task.out.type != DType::f32) {
    return inner;
  }
  const std::size_t most = std::max(kChunkFloats / columns, kFewestInner);
  const std::size_t chunks = divide_up(inner, most);
  return divide_up(inner, chunks);
}

/// Copies the input pixels that kernel line `ky` reads into `scratch`, with zeros outside of the image.
void gather(const ConvTask& t, const PixelRun& p, std::int64_t ky, float* scratch) {
  const std::int64_t shift = t.upsample ? 1 : 0;
  const std::int64_t width = t.upsample ? t.out_w : t.in_w;
  const std::int64_t iy = (p.y * t.stride + ky - t.padding) >> shift;
  const std::int64_t wanted = (p.count - 1) * t.stride + t.kernel;
  const float* line = t.x + (p.row * t.in_h + iy) * t.in_w * t.in_stride;
  const auto bytes = static_cast<std::size_t>(t.in_channels) * sizeof(float);
  for (std::int64_t i = 0; i < wanted; ++i) {
    const std::int64_t ix = p.x * t.stride - t.padding + i;
    float* to = scratch + i * t.in_channels;
    if (ix < 0 || ix >= width) {
      std::memset(to, 0, bytes);
    } else {
      std::memcpy(to, line + (ix >> shift) * t.in_stride, bytes);
    }
  }
}

/// A tile's operands for the inner dimension first .. last - 1: a run for each kernel line inside the image.
class TileRuns {
 public:
  /// `weights` are those of the panel from `first` on. `scratch` holds tile_scratch(t) floats.
  TileRuns(const ConvTask& t, const PixelRun& p, const float* weights, std::size_t columns,
           std::int64_t first, std::int64_t last, float* scratch) {
    const std::int64_t line_length = t.kernel * t.in_channels;
    const std::int64_t left = p.x * t.stride - t.padding;
    const std::int64_t height = t.upsample ? t.out_h : t.in_h;
    const bool inside = left >= 0 && left + (p.count - 1) * t.stride + t.kernel <= t.in_w;
    const bool direct = t.kernel == 1 ? inside : inside && t.in_stride == t.in_channels;
    const bool copied = t.upsample || !direct;
    a_stride = static_cast<std::size_t>(t.stride * (copied ? t.in_channels : t.in_stride));
    for (std::int64_t ky = first / line_length; ky < t.kernel && ky * line_length < last; ++ky) {
      const std::int64_t iy = p.y * t.stride + ky - t.padding;
      if (iy < 0 || iy >= height) {
        continue;
      }
      const std::int64_t from = std::max(first, ky * line_length);
      const std::int64_t to = std::min(last, (ky + 1) * line_length);
      const float* a = nullptr;
      if (copied) {
        float* line = scratch + ky * ((kMaxTileRows - 1) * t.stride + t.kernel) * t.in_channels;
        gather(t, p, ky, line);
        a = line;
      } else {
        a = t.x + ((p.row * t.in_h + iy) * t.in_w + left) * t.in_stride;
      }
      runs[count++] = {a + (from - ky * line_length),
                       weights + static_cast<std::size_t>(from - first) * columns,
                       static_cast<std::size_t>(to - from)};
    }
  }

  [[nodiscard]] std::size_t steps() const {
    std::size_t steps = 0;
    for (std::size_t i = 0; i < count; ++i) {
      steps += runs[i].length;
    }
    return steps;
  }

  Run runs[kMaxRuns];
  std::size_t count = 0;
  std::size_t a_stride = 0;
};

std::int64_t tile_scratch(const ConvTask& t) {
  return t.kernel * ((kMaxTileRows - 1) * t.stride + t.kernel) * t.in_channels;
}

/// Floats of one chunk of any panel in float32 if the weights are float16, else 0.
std::size_t unpacked_floats(const ConvTask& task) {
  if (task.half_weights == nullptr) {
    return 0;
  }
  return std::max(
      {inner_chunk(task, kPanelColumns) * kPanelColumns, kChunkFloats, kFewestInner * kPanelColumns});
}

/// Weights first .. last - 1 of a panel's inner dimension in float32. They are read in place, or unpacked
/// from float16 into `scratch`.
class PanelWeights {
 public:
  PanelWeights(const Panel& panel, std::size_t first, std::size_t last, float* scratch)
      : full_(panel.vectors == kPanelVectors), count_((last - first) * panel.columns()) {
    const std::size_t begin = panel.first_column * inner_size(panel.task) + first * panel.columns();
    const std::size_t end = begin + count_;
    const bool last_of_all = end == static_cast<std::size_t>(panel.task.columns) * inner_size(panel.task);
    const std::size_t next = last_of_all ? 0 : count_;
    if (panel.task.half_weights == nullptr) {
      values_ = panel.task.weights + begin;
      next_ = NextWeights(panel.task.weights + end, next * sizeof(float));
    } else {
      values_ = unpacked_ = scratch;
      packed_ = panel.task.half_weights + begin;
      next_ = NextWeights(panel.task.half_weights + end, next * sizeof(Half));
    }
  }

  [[nodiscard]] const float* values() const { return values_; }

  /// Computes a tile. The first call also unpacks float16 weights; in a full panel it does so while it
  /// multiplies, which the processor overlaps.
  void multiply(const TileRuns& runs, int rows, int vectors, float* sums) {
    Tile tile{runs.runs, runs.count, runs.a_stride, sums, static_cast<std::size_t>(vectors) * kLanes};
    tile.next = next_.take(runs.steps());
    if (packed_ == nullptr) {
      tile_function(rows, vectors)(tile);
    } else if (full_) {
      PackedRun packed_runs[kMaxRuns];
      std::size_t done = 0;
      for (std::size_t i = 0; i < runs.count; ++i) {
        const auto begin = static_cast<std::size_t>(runs.runs[i].b - values_);
        packed_runs[i] = {packed_ + begin, unpacked_ + begin};
        unpack(done, begin);  // Kernel lines that this tile leaves out.
        done = begin + runs.runs[i].length * kPanelColumns;
      }
      unpack(done, count_);
      tile.packed_runs = packed_runs;
      unpacking_tile_function(rows)(tile);
    } else {
      unpack(0, count_);
      tile_function(rows, vectors)(tile);
    }
    packed_ = nullptr;
  }

 private:
  void unpack(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; i += kLanes) {
      hn::Store(load_all(packed_ + i), Tag(), unpacked_ + i);
    }
  }

  bool full_;
  std::size_t count_;
  const float* values_ = nullptr;
  float* unpacked_ = nullptr;
  const Half* packed_ = nullptr;  // float16 weights; nullptr once unpacked.
  NextWeights next_;
};

std::int64_t ConvScratch(const ConvTask& task) {
  return static_cast<std::int64_t>(unpacked_floats(task) + kMaxTileRows * kPanelColumns) + tile_scratch(task);
}

void RunConvTask(const ConvTask& task, std::int64_t index, std::int64_t first_line, std::int64_t last_line,
                 float* scratch) {
  const Panel panel = make_panel(task, index);
  const std::size_t inner = inner_size(task);
  const std::size_t chunk = inner_chunk(task, panel.columns());
  float* unpacked = scratch;
  float* sums = unpacked + unpacked_floats(task);
  float* gathered = sums + kMaxTileRows * kPanelColumns;
  for (std::size_t from = 0; from < inner; from += chunk) {
    const std::size_t to = std::min(inner, from + chunk);
    PanelWeights weights(panel, from, to, unpacked);
    for (std::int64_t line = first_line; line < last_line; ++line) {
      const std::int64_t width = std::min(task.out_w, task.out_pixels - line * task.out_w);
      for_row_tiles(width, panel.vectors, [&](std::int64_t x, int count) {
        const PixelRun pixels{line, line / task.out_h, line % task.out_h, x, count};
        const TileRuns runs(task, pixels, weights.values(), panel.columns(), static_cast<std::int64_t>(from),
                            static_cast<std::int64_t>(to), gathered);
        weights.multiply(runs, count, panel.vectors, sums);
        with_type(task.out, [&](auto* out) {
          finish_tile(panel, pixels, out, FloatSums(sums, panel.columns()), from == 0, to == inner);
        });
      });
    }
  }
}

PanelFormat GetPanelFormat() {
  return {static_cast<std::int64_t>(kLanes), static_cast<std::int64_t>(kPanelColumns)};
}

}  // namespace
}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace streamdiffusion::cpu {

HWY_EXPORT(ConvScratch);
HWY_EXPORT(RunConvTask);
HWY_EXPORT(GetPanelFormat);

std::int64_t conv_scratch(const ConvTask& task) { return HWY_DYNAMIC_DISPATCH(ConvScratch)(task); }

void conv_task(const ConvTask& task, std::int64_t panel, std::int64_t first_line, std::int64_t last_line,
               float* scratch) {
  HWY_DYNAMIC_DISPATCH(RunConvTask)(task, panel, first_line, last_line, scratch);
}

PanelFormat panel_format() { return HWY_DYNAMIC_DISPATCH(GetPanelFormat)(); }

}  // namespace streamdiffusion::cpu
#endif
