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

/// The outputs of a vector of output channels for some rows of a tile, and what is added to them.
template <typename T, typename R>
struct VectorOutputs {
  int rows;
  std::size_t valid;  // Channels of the vector that exist.
  hn::Vec<Tag> bias;
  hn::Vec<Tag> row_bias;
  const R* residual;  // Residual of the first row; nullptr if none is added.
  std::int64_t residual_stride;
  T* out;
  std::int64_t out_stride;
};

/// The epilogue of nearly all layers: no activation or ReLU, no GEGLU, no partial sums. In a loop of its own
/// everything stays in registers.
template <bool kResidual, typename T, typename R, typename SumsAt>
HWY_INLINE void finish_plain(const VectorOutputs<T, R>& to, hn::Vec<Tag> least, const SumsAt& sums_at) {
  for (int r = 0; r < to.rows; ++r) {
    const auto value = hn::Add(hn::Add(sums_at(r), to.bias), to.row_bias);
    const R* const residual = kResidual ? to.residual + r * to.residual_stride : nullptr;
    store_limited<kResidual>(value, least, residual, to.out + r * to.out_stride);
  }
}

/// The epilogue of all layers. Adds to the output so far if `adds_to_output`. gate(value, row) applies GEGLU,
/// if the layer has it.
template <typename T, typename R, typename SumsAt, typename Gate>
HWY_INLINE void finish_any(const VectorOutputs<T, R>& to, Activation activation, bool adds_to_output,
                           const SumsAt& sums_at, const Gate& gate) {
  for (int r = 0; r < to.rows; ++r) {
    T* const out = to.out + r * to.out_stride;
    auto value = sums_at(r);
    if (adds_to_output) {
      value = hn::Add(value, load_part(out, to.valid));
    }
    value = gate(hn::Add(hn::Add(value, to.bias), to.row_bias), r);
    store_activated(value, activation, to.residual, r * to.residual_stride, out, to.valid);
  }
}

/// Returns a vector of the task's bias, or zeros unless `adds_bias`.
HWY_INLINE hn::Vec<Tag> load_bias(const ConvTask& task, bool adds_bias, std::size_t column) {
  return adds_bias ? hn::LoadU(Tag(), task.bias + column) : hn::Zero(Tag());
}

/// Implements finish_tile. `all_out` and `all_residual` are the task's output and residual in their own
/// types.
template <typename T, typename R, typename Sums>
HWY_INLINE void finish_vectors(const Panel& panel, const PixelRun& p, T* all_out, const R* all_residual,
                               const Sums& sums, bool first, bool last) {
  // Local copies stay in registers: stores to the output could alias members of the task.
  const ConvTask& t = panel.task;
  const std::int64_t pixel = p.line * t.out_pitch + p.x;
  const std::int64_t out_stride = t.out_stride;
  const std::int64_t residual_stride = t.residual_stride;
  const bool geglu = t.geglu;
  const bool adds_bias = first && t.bias != nullptr;
  const bool adds_row_bias = first && !t.row_bias.empty();
  const bool adds_residual = first && all_residual != nullptr;
  const Activation activation = last ? t.activation : Activation::none;
  const bool plain = first && !geglu && is_limit(activation);
  const hn::Vec<Tag> least = lower_limit(activation);
  const std::size_t columns = geglu ? panel.columns() / 2 : panel.columns();
  for (std::size_t column = 0; column < columns; column += kLanes) {
    const std::size_t valid = panel.valid - column;
    const auto channel = static_cast<std::int64_t>(panel.out_column + column);
    const VectorOutputs<T, R> to{p.count,
                                 valid,
                                 load_bias(t, adds_bias, panel.first_column + column),
                                 adds_row_bias
                                     ? load_part(t.row_bias + (p.row * t.row_bias_stride + channel), valid)
                                     : hn::Zero(Tag()),
                                 adds_residual ? all_residual + pixel * residual_stride + channel : nullptr,
                                 residual_stride,
                                 all_out + pixel * out_stride + channel,
                                 out_stride};
    const auto sums_at = sums.at(column);
    if (plain && valid >= kLanes) {
      adds_residual ? finish_plain<true>(to, least, sums_at) : finish_plain<false>(to, least, sums_at);
      continue;
    }
    const std::size_t gate_column = geglu ? column + columns : column;
    const auto gates_at = sums.at(gate_column);
    const auto gate_bias = load_bias(t, adds_bias, panel.first_column + gate_column);
    finish_any(to, activation, !first, sums_at, [&](hn::Vec<Tag> value, int row) {
      return geglu ? hn::Mul(value, gelu(Tag(), hn::Add(gates_at(row), gate_bias))) : value;
    });
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
