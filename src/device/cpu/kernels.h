#pragma once

#include <cstddef>
#include <cstdint>

#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/half.h"
#include "device/device.h"

// The CPU's kernels, compiled from one source for every instruction set, which Highway chooses at run time.
// Each function computes one task of an operation on the calling thread; its callers split operations into
// tasks. Pointers refer to float32, Tensor and Elements to float32 or bf16. Scratch memory must be aligned to
// cache lines.
namespace streamdiffusion::cpu {

/// Layout of packed matrices for the instruction set in use. Columns (output channels) form panels; the last
/// one may be narrower.
struct PanelFormat {
  std::int64_t lanes;    ///< Floats in a vector register.
  std::int64_t columns;  ///< Columns of a full panel, a multiple of `lanes`.
};
PanelFormat panel_format();

/// A convolution in float32, or a matrix product as a convolution with kernel 1. Strides are elements between
/// neighbouring pixels.
struct ConvTask {
  const float* x = nullptr;
  std::int64_t in_h = 1;
  std::int64_t in_w = 1;
  std::int64_t in_channels = 0;
  std::int64_t in_stride = 0;
  bool upsample = false;  ///< Reads the input as if upsampled by 2 (nearest neighbour).

  Elements out;
  std::int64_t out_h = 1;
  std::int64_t out_w = 1;
  std::int64_t out_pitch = 1;   ///< Pixels between lines of the output and of the residual.
  std::int64_t out_pixels = 0;  ///< Pixels of all lines; a matrix product's last line may be shorter.
  std::int64_t out_stride = 0;
  std::int64_t out_channels = 0;
  std::int64_t columns = 0;  ///< Packed columns; with GEGLU about twice the output channels.

  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  // Weights in panels, [panel][tap][in channel][column]. One of the two pointers is set.
  const float* weights = nullptr;
  const Half* half_weights = nullptr;
  const float* bias = nullptr;  ///< One for each packed column, padded to whole vectors, or nullptr.
  Elements row_bias;            ///< [batch row][out channel], added to every pixel of the row, or empty.
  std::int64_t row_bias_stride = 0;
  Elements residual;  ///< Added before the activation, or empty.
  std::int64_t residual_stride = 0;
  Activation activation = Activation::none;
  bool geglu = false;  ///< Panels hold values in their first half and GELU gates in their second.
};
/// Returns the floats of scratch memory that conv_task needs.
std::int64_t conv_scratch(const ConvTask& task);
/// Computes output lines first_line .. last_line - 1 of one panel. Lines are counted over all batch rows.
void conv_task(const ConvTask& task, std::int64_t panel, std::int64_t first_line, std::int64_t last_line,
               float* scratch);

/// Sums x - shift[c] over all pixels into sums[c], and its square into squares[c].
void channel_sums(const Tensor& x, const float* shift, float* sums, float* squares);
/// out = activation(x * scale[c] + shift[c]).
void scale_shift(const Tensor& x, const float* scale, const float* shift, Activation activation,
                 const Tensor& out);
/// Normalises each pixel over its channels, then multiplies by gain[c] and adds shift[c].
void layer_norm(const Tensor& x, const float* gain, const float* shift, float epsilon, const Tensor& out);

/// out = activation(x * scale) * out_scale + shift.
void map(const Tensor& x, float scale, Activation activation, float out_scale, float shift,
         const Tensor& out);
/// out = x, converted to the type of `out`.
void convert(const Tensor& x, const Tensor& out);

/// out = x + y.
void add(const Tensor& x, const Tensor& y, const Tensor& out);

// The functions below require dense tensors.

/// out = a * x + b * y.
void combine(const Tensor& x, float a, const Tensor& y, float b, const Tensor& out);
/// Writes the sums of x * y, x * x and y * y into sums[0 .. 2].
void dot_products(const Tensor& x, const Tensor& y, double* sums);
/// out = pixels * scale / 255 + shift.
void from_pixels(const std::uint8_t* pixels, float scale, float shift, const Tensor& out);
/// pixels = (x * scale + shift) * 255, rounded and clamped to 0 .. 255.
void to_pixels(const Tensor& x, float scale, float shift, std::uint8_t* pixels);

}  // namespace streamdiffusion::cpu
