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

/// Further keys and values for the attentions of one row. One of each per transformer block, in the order of
/// TextContext, [1, 1, tokens, c].
struct ExtraContext {
  std::span<const Tensor> keys;
  std::span<const Tensor> values;
};

/// Values that other networks, or earlier frames, give to a UNet call. Each member may be empty.
struct UNetHooks {
  /// Residuals of a ControlNet for the skip connections: none, or one for each in the order of the down
  /// blocks, which is conv_in, then each block's layers and its downsampler. Each has the shape of its skip
  /// connection, or is an empty tensor that adds nothing. They are added when the mid block has run, so the
  /// mid block does not see them.
  std::span<const Tensor> down_residuals{};
  /// Residual of a ControlNet for the output of the mid block.
  Tensor mid_residual{};
  /// Keys and values of each row's image prompt (IP-Adapter). Cross-attention attends to them separately and
  /// adds the result, times the row's scale, to that of the text.
  std::span<const ExtraContext> image_prompts{};
  std::span<const float> image_scales{};
  /// Keys and values of each row's feature bank. Self-attention attends to them together with its own.
  std::span<const ExtraContext> feature_banks{};
};

/// The inputs of a UNet call besides the sample, one entry per row of the batch. They must outlive the call.
struct UNetRows {
  Tensor time;                               ///< [rows, 1, 1, time_width()], see time_projections.
  std::span<const TextContext* const> text;  ///< One per row.
  std::span<const RowRange> self_attention;  ///< Rows that each row attends to; if empty, only itself.
  UNetHooks hooks{};
};

}  // namespace streamdiffusion
