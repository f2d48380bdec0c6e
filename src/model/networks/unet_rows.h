#pragma once

#include <span>
#include <vector>

#include "device/device_tensor.h"

namespace streamdiffusion {

/// The keys and values of every cross-attention for one prompt: computed once when the prompt is set.
struct TextContext {
  DeviceTensor memory;       ///< [1, 1, 1, elements]
  std::vector<Tensor> keys;  ///< one a cross-attention, [1, 1, tokens, c]
  std::vector<Tensor> values;
};

/// What the UNet is given beside the sample; one entry a row. Everything stays where it is for the call.
struct UNetRows {
  Tensor time;                               ///< [rows, 1, 1, time_width()], see time_projections
  std::span<const TextContext* const> text;  ///< one a row
  std::span<const RowRange> self_attention;  ///< rows that each row's self-attention sees; empty: itself
};

}  // namespace streamdiffusion
