#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <initializer_list>
#include <span>

#include "device/cuda/conv_geometry.h"
#include "device/device.h"

// Launches of our own kernels. All functions queue on `stream` and throw as described in errors.h. The
// tensors of a call are in GPU memory and share one type: float32, float16 or bfloat16.
namespace streamdiffusion::cuda {

/// Returns the number of elements that a thread can access at once in all of these tensors. That is 16 bytes'
/// worth if all addresses, strides and channel counts are multiples of it, else 1. Empty tensors are ignored.
int pack_of(std::initializer_list<const Tensor*> tensors);

void map(cudaStream_t stream, const Tensor& x, float scale, Activation activation, float out_scale,
         float shift, const Tensor& out);
void copy(cudaStream_t stream, const Tensor& x, const Tensor& out);
void add(cudaStream_t stream, const Tensor& x, const Tensor& y, const Tensor& out);
void combine(cudaStream_t stream, const Tensor& x, std::span<const float> a, const Tensor& y,
             std::span<const float> b, const Tensor& out);
/// Reads the factors from GPU memory when the kernel runs: `a` of each row, then `b` of each row.
void combine(cudaStream_t stream, const Tensor& x, const Tensor& y, const float* factors, const Tensor& out);

/// Launches Gather for a convolution that needs it.
void gather(cudaStream_t stream, const Tensor& x, const ConvGeometry& geometry, const Tensor& out);
/// Launches Finish. `bias` is [channels], or null.
void finish(cudaStream_t stream, const Tensor& x, const void* bias, const Tensor& row_bias,
            const Tensor& residual, Activation activation, const Tensor& out);
void geglu(cudaStream_t stream, const Tensor& x, const Tensor& residual, Activation activation,
           const Tensor& out);

/// Number of thread blocks that share a row of a group norm.
std::uint32_t group_norm_blocks(const Shape& shape);
/// Size in bytes of the `sums` buffer of group_norm.
std::int64_t group_norm_bytes(const Shape& shape, std::int64_t groups);
void group_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift,
                std::int64_t groups, float epsilon, Activation activation, float* sums, const Tensor& out);
void layer_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift, float epsilon,
                const Tensor& out);

/// The lines of scores for `softmax`, with the members of Softmax.
struct SoftmaxLines {
  std::int64_t lines = 0;
  std::int64_t keys = 0;
  std::int64_t stride = 0;
  std::int64_t queries = 1;
  std::int64_t first_query = 0;
  bool causal = false;
};
/// Writes the softmax of each line of scores to `out`, as elements of `type`.
void softmax(cudaStream_t stream, const SoftmaxLines& lines, const float* scores, DType type, void* out);

inline constexpr std::uint32_t kDotBlocks = 128;
/// Launches DotProducts. `sums` has kDotBlocks * 3 elements.
void dot_products(cudaStream_t stream, const Tensor& x, const Tensor& y, float* sums);

void from_pixels(cudaStream_t stream, const std::uint8_t* pixels, float scale, float shift,
                 const Tensor& out);
void to_pixels(cudaStream_t stream, const Tensor& x, float scale, float shift, std::uint8_t* pixels);
void from_floats(cudaStream_t stream, const float* values, const Tensor& out);
void to_floats(cudaStream_t stream, const Tensor& x, float* values);

/// Channel counts of a layer, before and after rounding up. `taps` is the number of kernel positions.
struct WeightShape {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t taps = 1;
  std::int64_t padded_out_channels = 0;
  std::int64_t padded_in_channels = 0;
};
/// Converts float32 weights [out][in][taps] to [padded out][taps][padded in] of `type`.
void pack_weights(cudaStream_t stream, const WeightShape& shape, const float* weight, DType type, void* out);

}  // namespace streamdiffusion::cuda
