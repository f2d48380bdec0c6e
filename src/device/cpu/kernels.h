#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cpu/elements.h"
#include "device/cpu/half.h"
#include "device/device.h"

// The CPU's kernels: one source for every instruction set, chosen at run time (Highway). Each computes one
// task of an operation on the calling thread; cpu_device.cpp divides operations into tasks. Pointers are to
// float32; tensors and Elements are of either type.
namespace streamdiffusion::cpu {

/// How the instruction set in use wants matrices packed: columns (output channels) in panels, the last one
/// narrower.
struct PanelFormat {
  std::int64_t lanes;    ///< floats in a vector
  std::int64_t columns;  ///< of a full panel
};
PanelFormat panel_format();

/// Convolution, or matrix product as convolution with kernel 1. Sizes in elements; strides from pixel to
/// pixel.
struct ConvTask {
  const float* x = nullptr;
  std::int64_t in_h = 1;
  std::int64_t in_w = 1;
  std::int64_t in_channels = 0;
  std::int64_t in_stride = 0;
  bool upsample = false;  ///< the input is read as if every pixel stood twice in each direction

  Elements out;
  std::int64_t out_h = 1;
  std::int64_t out_w = 1;
  std::int64_t out_pitch = 1;   ///< pixels from line to line, of the residual too
  std::int64_t out_pixels = 0;  ///< in all; the last line of a matrix product may be shorter than out_w
  std::int64_t out_stride = 0;
  std::int64_t out_channels = 0;
  std::int64_t columns = 0;  ///< packed columns; about twice the output channels with geglu

  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  // Panels, [panel][tap][in channel][column], in one of two types.
  const float* weights = nullptr;
  const Half* half_weights = nullptr;
  const float* bias = nullptr;  ///< padded to whole panels
  Elements row_bias;
  std::int64_t row_bias_stride = 0;
  Elements residual;
  std::int64_t residual_stride = 0;
  Activation activation = Activation::none;
  bool geglu = false;
};
/// Floats of scratch memory that conv_task needs.
std::int64_t conv_scratch(const ConvTask& task);
/// Computes output lines first .. last - 1 (counted over all rows of the batch) of one panel.
void conv_task(const ConvTask& task, std::int64_t panel, std::int64_t first_line, std::int64_t last_line,
               float* scratch);

/// One row's keys and values packed for attention: for each head, keys as panels [panel][d][column], values
/// as panels [panel][token][column].
struct PackedHeads {
  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;
  /// Floats that the keys or values of one head take.
  [[nodiscard]] std::int64_t key_floats() const;
  [[nodiscard]] std::int64_t value_floats() const;
};
void pack_keys(const Elements& k, std::int64_t stride, const PackedHeads& heads, float* packed);
void pack_values(const Elements& v, std::int64_t stride, const PackedHeads& heads, float* packed);

/// Attention of some queries of one head to the packed keys and values of `key_rows` rows.
struct AttentionTask {
  Elements q;
  std::int64_t q_stride = 0;
  Elements out;
  std::int64_t out_stride = 0;
  std::int64_t queries = 0;      ///< at most kAttentionQueries
  std::int64_t first_query = 0;  ///< the first one's position, for the causal mask
  const float* keys = nullptr;   ///< of the first row
  const float* values = nullptr;
  std::int64_t key_row_stride = 0;
  std::int64_t value_row_stride = 0;
  std::int64_t key_rows = 1;
  PackedHeads heads;
  bool causal = false;
};
constexpr std::int64_t kAttentionQueries = 48;
std::int64_t attention_scratch(const PackedHeads& heads);
void attention_task(const AttentionTask& task, float* scratch);

/// Adds up, for each channel over the pixels, x - shift and its square: sums[c], squares[c].
void channel_sums(const Tensor& x, const float* shift, float* sums, float* squares);
/// out = activation(x * scale[c] + shift[c]).
void scale_shift(const Tensor& x, const float* scale, const float* shift, Activation activation,
                 const Tensor& out);
void layer_norm(const Tensor& x, const float* gain, const float* shift, float epsilon, const Tensor& out);

/// out = activation(x * scale) * out_scale + shift.
void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
         const Tensor& out);
/// out = x, from one type to the other.
void convert(const Tensor& x, const Tensor& out);
// The tensors of these are dense.
/// out = a * x + b * y.
void combine(const Tensor& x, float a, const Tensor& y, float b, const Tensor& out);
/// Sums of x * y, x * x and y * y into sums[0 .. 2].
void dot_products(const Tensor& x, const Tensor& y, double* sums);
void from_pixels(const std::uint8_t* pixels, float scale, float shift, const Tensor& out);
void to_pixels(const Tensor& x, float scale, float shift, std::uint8_t* pixels);

}  // namespace streamdiffusion::cpu
