#pragma once

#include <cuda_runtime_api.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// A convolution in NHWC with what is done to its results. `*_stride`: elements from pixel to pixel.
struct Convolution {
  DType type = DType::f16;
  std::int64_t n = 1;
  std::int64_t in_h = 1;
  std::int64_t in_w = 1;
  std::int64_t in_c = 1;
  std::int64_t in_stride = 1;
  std::int64_t out_h = 1;
  std::int64_t out_w = 1;
  std::int64_t out_c = 1;
  std::int64_t out_stride = 1;
  std::int64_t kernel = 1;
  std::int64_t step = 1;
  std::int64_t padding = 0;
  bool bias = false;
  std::int64_t row_bias_stride = 0;  ///< from row to row; 0: none
  std::int64_t residual_stride = 0;  ///< 0: none
  Activation activation = Activation::none;

  auto operator<=>(const Convolution&) const = default;  // NOLINT(modernize-use-nullptr): as in matmul.h
};

struct ConvolutionData {
  const void* x = nullptr;
  const void* weights = nullptr;  ///< [out_c][kernel][kernel][in_c]
  const void* bias = nullptr;
  const void* row_bias = nullptr;
  const void* residual = nullptr;
  void* out = nullptr;
};

/// Attention of `n` batches, channels of a head next to one another; strides from token to token.
struct FusedAttention {
  DType type = DType::f16;
  std::int64_t n = 1;
  std::int64_t heads = 1;
  std::int64_t head_dim = 1;
  std::int64_t queries = 1;
  std::int64_t keys = 1;
  std::int64_t q_stride = 1;
  std::int64_t k_stride = 1;
  std::int64_t v_stride = 1;
  std::int64_t out_stride = 1;
  bool causal = false;

  auto operator<=>(const FusedAttention&) const = default;  // NOLINT(modernize-use-nullptr): as in matmul.h
};

/// cuDNN's graph API. What it has been asked once it remembers: a plan is chosen once for each description,
/// of convolutions by measuring what the heuristics put first, as long as that delays the start by little.
class Cudnn {
 public:
  /// Memory for measuring is taken from `device`, which outlives it.
  Cudnn(Device& device, cudaStream_t stream);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  /// The bytes of workspace that it takes; none where cuDNN has no engine for it.
  std::optional<std::int64_t> workspace(const Convolution& convolution);
  std::optional<std::int64_t> workspace(const FusedAttention& attention);

  /// Of what `workspace` found an engine for.
  void run(const Convolution& convolution, const ConvolutionData& data, void* workspace);
  void run(const FusedAttention& attention, const void* q, const void* k, const void* v, void* out,
           void* workspace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion::cuda
