#pragma once

#include <cstdint>

#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A 3x3 convolution of stride 1 by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray, arXiv
/// 1509.09308): 36 multiplications where 144 would be. Four times the memory for the weights, so it is for
/// layers that are small.
class WinogradWeights {
 public:
  WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host);

  /// Whether the saving is worth the memory, by the layer's channels alone.
  static bool suits(const HostConv2d& host);

  std::int64_t in_channels;
  std::int64_t out_channels;
  std::int64_t padded_in_channels;  ///< to whole vectors, as the transformed tensors have them
  std::int64_t padded_out_channels;
  Resample resample;
  std::int64_t panels = 0;
  std::int64_t position_floats = 0;  ///< of one of the 36 matrices
  Buffer weights;                    ///< 36 matrices in panels, as PackedMatrix has them
  Buffer bias;                       ///< padded to whole vectors, or empty
};

/// One convolution, between tensors as they lie in memory.
struct WinogradTask {
  const WinogradWeights* weights = nullptr;
  Tensor x;
  Tensor out;
  Conv2dOptions options;
};

constexpr std::int64_t kWinogradPositions = 36;
constexpr std::int64_t kWinogradTile = 4;  ///< outputs a side

/// Floats from one position's matrix, of so many floats, to the next: not a multiple of a page, so that the
/// 36 streams that a transform writes do not compete for the same cache sets.
std::int64_t winograd_position_stride(std::int64_t floats);

/// Transforms the input for one line of tiles into `into` [36][tiles][padded_in_channels], positions `stride`
/// apart.
void winograd_input(const WinogradTask& task, std::int64_t line, float* into, std::int64_t stride);
/// Transforms the products [36][tiles][padded_out_channels] of one line of tiles into outputs; adds what is
/// to be added.
void winograd_output(const WinogradTask& task, std::int64_t line, const float* from, std::int64_t stride);
/// One filter, [3][3], transformed to 36 values.
void winograd_filter(const float* filter, float* into);

}  // namespace streamdiffusion::cpu
