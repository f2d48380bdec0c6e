#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <vector>

#include "device/cuda/cudnn.h"
#include "device/cuda/matmul.h"
#include "device/cuda/packed.h"
#include "device/recording/attention_groups.h"
#include "device/recording/commands.h"
#include "device/recording/scratch.h"

namespace streamdiffusion::cuda {

/// Runs commands on the GPU. It uses a single fused call of cuDNN or cuBLASLt if there is one, and otherwise
/// several calls and our own kernels.
class Computer {
 public:
  /// Allocates from `device`. All arguments must outlive the object. `type` is the type of activations.
  Computer(Device& device, cudaStream_t stream, recording::Scratch& scratch, DType type);

  /// Queues all commands on the stream, in order. If `factors` is given, it is a copy of commands.factors in
  /// GPU memory. The queued operations read it there, so that a graph of them can be repeated with other
  /// factors.
  void run(const recording::Commands& commands, const float* factors = nullptr);

 private:
  // One function for each kind of command. They queue work and do not wait for it.
  void run(const recording::Conv2dCommand& command);
  void run(const recording::LinearCommand& command);
  void run(const recording::GroupNormCommand& command);
  void run(const recording::LayerNormCommand& command);
  void run(const recording::AttentionCommand& command);
  void run(const recording::MapCommand& command);
  void run(const recording::CopyCommand& command);
  void run(const recording::AddCommand& command);
  void run(const recording::CombineCommand& command);

  /// Convolves with bias, residual and activation in one call of cuDNN. Returns false, and does nothing, if
  /// cuDNN has no such call for these shapes.
  bool convolve_fused(const recording::Conv2dCommand& command, const Convolution& convolution);
  /// Computes out = weights * x + bias + residual.
  void multiply(const Tensor& x, const PackedMatrix& weights, const Tensor& residual, const Tensor& out);
  /// Computes attention of rows that have the same number of keys.
  void attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal,
              const Tensor& out);
  /// Computes attention where cuDNN has no fused call: the scores of some rows at a time are held in memory.
  void attend_in_steps(const FusedAttention& attention, const Tensor& q, const Tensor& k, const Tensor& v,
                       const Tensor& out);

  cudaStream_t stream_;
  recording::Scratch& scratch_;
  DType type_;
  Cudnn cudnn_;
  Matmul matmul_;
  const recording::Commands* commands_ = nullptr;  // arguments of the current `run`
  const float* factors_ = nullptr;
  std::vector<recording::AttentionGroup> groups_;  // row groups of the current attention
};

}  // namespace streamdiffusion::cuda
