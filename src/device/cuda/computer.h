#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "device/cuda/attention_groups.h"
#include "device/cuda/commands.h"
#include "device/cuda/cudnn.h"
#include "device/cuda/matmul.h"
#include "device/cuda/scratch.h"

namespace streamdiffusion::cuda {

/// Runs commands on the GPU. It uses a single fused call of cuDNN or cuBLASLt if there is one, and otherwise
/// several calls and our own kernels.
class Computer {
 public:
  /// Allocates from `device`. All arguments must outlive the object. `type` is the type of activations.
  Computer(Device& device, cudaStream_t stream, Scratch& scratch, DType type);

  /// Queues all commands on the stream, in order.
  void run(const Commands& commands);

 private:
  void run(const Conv2dCommand& command);
  void run(const LinearCommand& command);
  void run(const GroupNormCommand& command);
  void run(const LayerNormCommand& command);
  void run(const AttentionCommand& command);
  void run(const MapCommand& command);
  void run(const CopyCommand& command);

  bool convolve_fused(const Conv2dCommand& command, const Convolution& convolution);
  void multiply(const Tensor& x, const Matrix& weights, const Tensor& residual, const Tensor& out);
  void attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal,
              const Tensor& out);
  void attend_in_steps(const FusedAttention& attention, const Tensor& q, const Tensor& k, const Tensor& v,
                       const Tensor& out);

  cudaStream_t stream_;
  Scratch& scratch_;
  DType type_;
  Cudnn cudnn_;
  Matmul matmul_;
  const Commands* commands_ = nullptr;  // argument of the current `run`
  std::vector<AttentionGroup> groups_;  // row groups of the current attention
};

}  // namespace streamdiffusion::cuda
