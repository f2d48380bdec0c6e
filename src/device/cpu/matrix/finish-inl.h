// The epilogue of a tile: biases, residual, GEGLU, activation. Included once for each instruction set.
#if defined(STREAMDIFFUSION_FINISH_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STREAMDIFFUSION_FINISH_INL
#undef STREAMDIFFUSION_FINISH_INL
#else
#define STREAMDIFFUSION_FINISH_INL
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "device/cpu/kernels.h"
#include "device/cpu/simd/epilogue-inl.h"
#include "device/cpu/simd/simd_math-inl.h"
#include "device/cpu/simd/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// A panel of packed columns and the output channels that it computes.
struct Panel {
  const ConvTask& task;
  std::size_t first_column;  // First packed column; the bias is indexed by it.
  std::size_t out_column;    // First output channel.
  std::size_t valid;         // Output channels from out_column to the layer's last one.
  int vectors;               // Width of the panel in vectors.
  [[nodiscard]] std::size_t columns() const { return static_cast<std::size_t>(vectors) * kLanes; }
};

/// Neighbouring pixels of one output line.
struct PixelRun {
  std::int64_t line;  // Output line, counted over all batch rows.
  std::int64_t row;   // Batch row.
  std::int64_t y;     // Line within the image.
  std::int64_t x;     // First pixel of the line.
  int count;
};

/// A tile's float32 sums, [row][column]. at(column) returns a function that loads a row's vector at `column`.
class FloatSums {
 public:
  FloatSums(const float* first, std::size_t columns) : first_(first), columns_(columns) {}

  [[nodiscard]] HWY_INLINE auto at(std::size_t column) const {
    return [sums = first_ + column, columns = columns_](int row) {
      return hn::Load(Tag(), sums + static_cast<std::size_t>(row) * columns);
    };
  }

 private:
  const float* first_;
  std::size_t columns_;
};

/// Operands of finish_plain: a full vector of output channels of some rows. Results are at least `least`.
template <typename T>
struct PlainRows {
  hn::Vec<Tag> bias;
  hn::Vec<Tag> row_bias;
  hn::Vec<Tag> least;
  int rows;
  T* out;
  std::int64_t out_stride;
};

/// The epilogue of nearly all layers: no activation or ReLU, no GEGLU, no partial sums. In a loop of its own
/// everything stays in registers.
template <bool kResidual, typename T, typename R, typename SumsAt>
HWY_INLINE void finish_plain(const PlainRows<T>& to, const SumsAt& sums_at, const R* residual,
                             std::int64_t residual_stride) {
  const auto bias = to.bias;
  const auto row_bias = to.row_bias;
  const auto least = to.least;
  const std::int64_t out_stride = to.out_stride;
  T* out = to.out;
  for (int r = 0; r < to.rows; ++r) {
    store_limited<kResidual>(hn::Add(hn::Add(sums_at(r), bias), row_bias), least, residual, out);
    if constexpr (kResidual) {
      residual += residual_stride;
    }
    out += out_stride;
  }
}

/// Implements finish_tile. `all_out` and `all_residual` are the task's output and residual in their own
/// types.
template <typename T, typename R, typename Sums>
HWY_INLINE void finish_vectors(const Panel& panel, const PixelRun& p, T* all_out, const R* all_residual,
                               const Sums& sums, bool first, bool last) {
  const Tag d;
  using V = hn::Vec<Tag>;
  const ConvTask& t = panel.task;
  const std::int64_t pixel = p.line * t.out_pitch + p.x;
  const int vectors = t.geglu ? panel.vectors / 2 : panel.vectors;
  // Local copies stay in registers: stores to the output could alias members of the task.
  const int rows = p.count;
  const std::int64_t out_stride = t.out_stride;
  const std::int64_t residual_stride = t.residual_stride;
  const Activation activation = last ? t.activation : Activation::none;
  const bool geglu = t.geglu;
  const bool has_bias = first && t.bias != nullptr;
  const bool has_row_bias = first && !t.row_bias.empty();
  const bool adds_residual = first && all_residual != nullptr;
  const bool plain = first && !geglu && is_limit(activation);
  const V least = lower_limit(activation);
  for (int v = 0; v < vectors; ++v) {
    const std::size_t column = static_cast<std::size_t>(v) * kLanes;
    const std::size_t gate_column = column + static_cast<std::size_t>(vectors) * kLanes;
    const std::size_t valid = panel.valid - column;
    const auto out_column = static_cast<std::int64_t>(panel.out_column + column);
    const auto load_bias = [&](std::size_t from) {
      return has_bias ? hn::LoadU(d, t.bias + panel.first_column + from) : hn::Zero(d);
    };
    const V bias = load_bias(column);
    const V gate_bias = geglu ? load_bias(gate_column) : hn::Zero(d);
    const V row_bias =
        has_row_bias ? load_part(t.row_bias + (p.row * t.row_bias_stride + out_column), valid) : hn::Zero(d);
    const auto sums_at = sums.at(column);
    const auto gates_at = sums.at(geglu ? gate_column : column);
    T* out = all_out + pixel * out_stride + out_column;
    const R* const residual = adds_residual ? all_residual + pixel * residual_stride + out_column : nullptr;
    if (plain && valid >= kLanes) {
      const PlainRows<T> to{bias, row_bias, least, rows, out, out_stride};
      adds_residual ? finish_plain<true>(to, sums_at, residual, residual_stride)
                    : finish_plain<false>(to, sums_at, residual, residual_stride);
      continue;
    }
    for (int r = 0; r < rows; ++r) {
      V value = sums_at(r);
      if (!first) {
        value = hn::Add(value, load_part(out, valid));
      }
      if (has_bias) {
        value = hn::Add(value, bias);
      }
      if (has_row_bias) {
        value = hn::Add(value, row_bias);
      }
      if (geglu) {
        value = hn::Mul(value, gelu(d, has_bias ? hn::Add(gates_at(r), gate_bias) : gates_at(r)));
      }
      store_activated(value, activation, residual, r * residual_stride, out, valid);
      out += out_stride;
    }
  }
}

/// Writes a tile's outputs after one chunk of the inner dimension. The first chunk adds biases and residual,
/// later ones the output so far; the last applies the activation. `out` is the task's output in its own type.
template <typename T, typename Sums>
void finish_tile(const Panel& panel, const PixelRun& p, T* out, const Sums& sums, bool first, bool last) {
  with_type(panel.task.residual,
            [&](const auto* residual) { finish_vectors(panel, p, out, residual, sums, first, last); });
}

inline Panel make_panel(const ConvTask& task, std::int64_t index) {
  const std::size_t first_column = static_cast<std::size_t>(index) * kPanelColumns;
  const auto columns = static_cast<std::size_t>(task.columns);
  Panel panel{task, first_column, first_column, columns - first_column, panel_vectors(first_column, columns)};
  if (task.geglu) {
    panel.out_column /= 2;
    panel.valid = static_cast<std::size_t>(task.out_channels) - panel.out_column;
  }
  return panel;
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
