#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <initializer_list>
#include <span>

#include "device/device.h"

// The launches of our own kernels. All queue on `stream`; tensors lie in the GPU's memory and have one type:
// float32, float16 or bfloat16. Throw as errors.h says.
namespace streamdiffusion::cuda {

/// Elements that a thread can read at once from all of these: 16 bytes' worth where everything is a multiple
/// of that, else 1. Empty tensors are left out.
int pack_of(std::initializer_list<const Tensor*> tensors);

void map(cudaStream_t stream, const Tensor& x, float scale, Activation activation, float out_scale,
         float shift, const Tensor& out);
void copy(cudaStream_t stream, const Tensor& x, const Tensor& out);
void combine(cudaStream_t stream, const Tensor& x, std::span<const float> a, const Tensor& y,
             std::span<const float> b, const Tensor& out);

/// `enlarged` and `padding` as in Gather.
void gather(cudaStream_t stream, const Tensor& x, std::int64_t enlarged, std::int64_t padding,
            const Tensor& out);
/// `bias`: [channels], or null.
void finish(cudaStream_t stream, const Tensor& x, const void* bias, const Tensor& row_bias,
            const Tensor& residual, Activation activation, const Tensor& out);
void geglu(cudaStream_t stream, const Tensor& x, const Tensor& residual, Activation activation,
           const Tensor& out);

/// Blocks that a row is divided into, and the bytes that their sums take.
std::uint32_t group_norm_blocks(const Shape& shape);
std::int64_t group_norm_bytes(const Shape& shape, std::int64_t groups);
void group_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift,
                std::int64_t groups, float epsilon, Activation activation, float* sums, const Tensor& out);
void layer_norm(cudaStream_t stream, const Tensor& x, const float* gain, const float* shift, float epsilon,
                const Tensor& out);

/// Softmax over `keys` of each line of scores, of type `type` in `out`; fields as in Softmax.
struct SoftmaxLines {
  std::int64_t lines = 0;
  std::int64_t keys = 0;
  std::int64_t stride = 0;
  std::int64_t queries = 1;
  std::int64_t first_query = 0;
  bool causal = false;
};
void softmax(cudaStream_t stream, const SoftmaxLines& lines, const float* scores, DType type, void* out);

inline constexpr std::uint32_t kDotBlocks = 128;
/// `sums`: kDotBlocks * 3.
void dot_products(cudaStream_t stream, const Tensor& x, const Tensor& y, float* sums);

void from_pixels(cudaStream_t stream, const std::uint8_t* pixels, float scale, float shift,
                 const Tensor& out);
void to_pixels(cudaStream_t stream, const Tensor& x, float scale, float shift, std::uint8_t* pixels);
void from_floats(cudaStream_t stream, const float* values, const Tensor& out);
void to_floats(cudaStream_t stream, const Tensor& x, float* values);

/// From [out][in][taps] in float32 to [padded out][taps][padded in] of type `type`.
struct WeightShape {
  std::int64_t out_channels = 0;
  std::int64_t in_channels = 0;
  std::int64_t taps = 1;
  std::int64_t padded_out_channels = 0;
  std::int64_t padded_in_channels = 0;
};
void pack_weights(cudaStream_t stream, const WeightShape& shape, const float* weight, DType type, void* out);

}  // namespace streamdiffusion::cuda
