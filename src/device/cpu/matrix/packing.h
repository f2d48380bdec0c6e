#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/cpu/simd/half.h"
#include "device/cpu/threads/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Maps the packed columns of a layer's weights to rows of its host weights (output channels). The order
/// differs from the host's only with GEGLU, where each panel holds values and their gates.
struct PackedColumns {
  explicit PackedColumns(const HostConv2d& host);
  explicit PackedColumns(const HostLinear& host);
  /// Row of the host's weights in a packed column, or -1 for padding.
  [[nodiscard]] std::int64_t channel(std::int64_t column) const;
  /// Number of packed columns, padded to whole vectors.
  [[nodiscard]] std::int64_t padded() const;
  /// Number of panels; the last one may be narrower.
  [[nodiscard]] std::int64_t panels() const;

  std::int64_t out_channels;  ///< Channels that the layer writes: with geglu, half of the host's rows.
  std::int64_t count;         ///< Packed columns; with geglu, values and gates are each padded to vectors.
  bool geglu;                 ///< True if each panel holds values in its first half and gates in its second.
};

/// Returns the bias in the order of the packed columns, padded with zeros. Empty if the layer has no bias.
Buffer pack_bias(Device& device, const PackedColumns& columns, std::span<const float> bias);

/// A convolution or linear layer packed for the float32 kernels. The columns (output channels) of its weights
/// form panels of the instruction set's width, each [tap][in channel][column], so that kernels read memory in
/// one stream. The layout does not depend on the size of the input.
class PackedMatrix : public PackedWeights {
 public:
  PackedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host);
  PackedMatrix(Device& device, ThreadPool& pool, const HostLinear& host);

  /// Weights in float32; nullptr if they are kept in float16. That is done for large layers whose weights
  /// float16 represents exactly.
  [[nodiscard]] const float* weights() const {
    return half_ ? nullptr : static_cast<const float*>(weights_.data());
  }
  /// Weights in float16; nullptr if they are kept in float32.
  [[nodiscard]] const Half* half_weights() const {
    return half_ ? static_cast<const Half*>(weights_.data()) : nullptr;
  }
  /// Bias of each packed column; nullptr if the layer has none.
  [[nodiscard]] const float* bias() const { return static_cast<const float*>(bias_.data()); }

  PackedColumns columns;
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;

 private:
  void pack(Device& device, ThreadPool& pool, std::span<const float> weight);
  template <typename T>
  void pack_panel(std::int64_t panel, std::span<const float> weight, T* packed) const;

  Buffer weights_;
  bool half_ = false;
  Buffer bias_;
};

/// Gain or shift of a norm, one value a channel.
class PackedVector : public PackedWeights {
 public:
  explicit PackedVector(std::span<const float> host) : values(host.begin(), host.end()) {}
  std::vector<float> values;
};

}  // namespace streamdiffusion::cpu
