#pragma once

#include <cuda_runtime_api.h>

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>

#include "device/device.h"

namespace streamdiffusion::cuda {

/// Description of a convolution in NHWC with its epilogue: bias, row bias, residual and activation. Strides
/// named `*_stride` are elements between neighbouring pixels unless noted otherwise.
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
  std::int64_t row_bias_stride = 0;  ///< Elements between neighbouring rows; 0: no row bias.
  std::int64_t residual_stride = 0;  ///< 0: no residual.
  Activation activation = Activation::none;

  auto operator<=>(const Convolution&) const = default;  // NOLINT(modernize-use-nullptr): as in matmul.h
};

struct ConvolutionData {
  const void* x = nullptr;
  const void* weights = nullptr;  ///< [out_c][kernel][kernel][in_c].
  const void* bias = nullptr;
  const void* row_bias = nullptr;
  const void* residual = nullptr;
  void* out = nullptr;
};

/// Description of an attention over `n` batches. The channels of a head are contiguous. Strides are elements
/// between neighbouring tokens.
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

/// Runs convolutions and attention by cuDNN's graph API. It chooses one plan for each description and keeps
/// it. For convolutions it measures the first plans that the heuristics propose, until a time limit is used
/// up.
class Cudnn {
 public:
  /// Allocates memory for measurements from `device`, which must outlive the object.
  Cudnn(Device& device, cudaStream_t stream);
  ~Cudnn();
  Cudnn(const Cudnn&) = delete;
  Cudnn& operator=(const Cudnn&) = delete;

  /// Returns the workspace size in bytes, or nullopt if cuDNN has no engine for the operation.
  std::optional<std::int64_t> workspace(const Convolution& convolution);
  std::optional<std::int64_t> workspace(const FusedAttention& attention);

  /// Queues an operation for which `workspace` found an engine. `workspace` has at least that size.
  void run(const Convolution& convolution, const ConvolutionData& data, void* workspace);
  void run(const FusedAttention& attention, const void* q, const void* k, const void* v, void* out,
           void* workspace);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion::cuda
