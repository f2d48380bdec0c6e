// What becomes of a tile's sums: bias, residual, activation; included once for each instruction set.
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
#include "device/cpu/simd_math-inl.h"
#include "device/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Everything about one panel that its tiles share.
struct Panel {
  const ConvTask& task;
  const float* weights;
  std::size_t first_column;  // in the bias
  std::size_t out_column;
  std::size_t valid;  // output channels
  int vectors;
  [[nodiscard]] std::size_t columns() const { return static_cast<std::size_t>(vectors) * kLanes; }
};

/// Some pixels of one output line.
struct Pixels {
  std::int64_t line;
  std::int64_t row;  // of the batch
  std::int64_t y;
  std::int64_t x;
  int count;
};

/// Adds bias and residual (first chunk) or the sums so far, applies the activation (last chunk), writes the
/// results.
inline void finish_tile(const Panel& panel, const Pixels& p, const float* sums, bool first, bool last) {
  const Tag d;
  const ConvTask& t = panel.task;
  const std::int64_t pixel = p.line * t.out_w + p.x;
  const int vectors = t.geglu ? panel.vectors / 2 : panel.vectors;
  for (int r = 0; r < p.count; ++r) {
    const std::int64_t place = pixel + r;
    const auto out_column = static_cast<std::int64_t>(panel.out_column);
    const Elements out = t.out + (place * t.out_stride + out_column);
    for (int v = 0; v < vectors; ++v) {
      const std::size_t column = static_cast<std::size_t>(v) * kLanes;
      const auto offset = static_cast<std::int64_t>(column);
      const std::size_t valid = panel.valid - column;
      auto value = hn::Load(d, sums + static_cast<std::size_t>(r) * panel.columns() + column);
      if (!first) {
        value = hn::Add(value, load_part(out + offset, valid));
      } else {
        if (t.bias != nullptr) {
          value = hn::Add(value, hn::LoadU(d, t.bias + panel.first_column + column));
        }
        if (!t.row_bias.empty()) {
          value = hn::Add(value,
                          load_part(t.row_bias + (p.row * t.row_bias_stride + out_column + offset), valid));
        }
        if (t.geglu) {
          const std::size_t gate_column = column + static_cast<std::size_t>(vectors) * kLanes;
          auto gate = hn::Load(d, sums + static_cast<std::size_t>(r) * panel.columns() + gate_column);
          if (t.bias != nullptr) {
            gate = hn::Add(gate, hn::LoadU(d, t.bias + panel.first_column + gate_column));
          }
          value = hn::Mul(value, gelu(d, gate));
        }
        if (!t.residual.empty()) {
          value = hn::Add(value,
                          load_part(t.residual + (place * t.residual_stride + out_column + offset), valid));
        }
      }
      if (last) {
        value = activate(d, t.activation, value);
      }
      store_part(value, out + offset, valid);
    }
  }
}

inline Panel make_panel(const ConvTask& task, std::int64_t index) {
  const std::size_t first_column = static_cast<std::size_t>(index) * kPanelColumns;
  const auto columns = static_cast<std::size_t>(task.columns);
  const auto inner = static_cast<std::size_t>(task.kernel * task.kernel * task.in_channels);
  Panel panel{task,
              task.weights + first_column * inner,
              first_column,
              first_column,
              columns - first_column,
              panel_vectors(first_column, columns)};
  if (task.geglu) {
    panel.out_column /= 2;
    panel.valid = static_cast<std::size_t>(task.out_channels) - panel.out_column;
  }
  return panel;
}

}  // namespace streamdiffusion::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
