#pragma once

#include <span>
#include <vector>

#include "device/device_tensor.h"

namespace streamdiffusion {

/// The keys and values of every cross-attention for one prompt, computed once when the prompt is set.
struct TextContext {
  DeviceTensor memory;         ///< The memory of all keys and values.
  std::vector<Tensor> keys;    ///< One per cross-attention, [1, 1, tokens, c].
  std::vector<Tensor> values;  ///< One per cross-attention, [1, 1, tokens, c].
};

/// The inputs of a UNet call besides the sample, one entry per row of the batch. They must outlive the call.
struct UNetRows {
  Tensor time;                               ///< [rows, 1, 1, time_width()], see time_projections.
  std::span<const TextContext* const> text;  ///< One per row.
  std::span<const RowRange> self_attention;  ///< Rows that each row attends to; if empty, only itself.
};

}  // namespace streamdiffusion
