#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/cpu/half.h"
#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// What of a layer's outputs stands in which packed column.
struct PackedColumns {
  explicit PackedColumns(const HostConv2d& host);
  explicit PackedColumns(const HostLinear& host);
  /// The output channel in a packed column, or -1 for padding.
  [[nodiscard]] std::int64_t channel(std::int64_t column) const;
  /// With whole vectors.
  [[nodiscard]] std::int64_t padded() const;
  [[nodiscard]] std::int64_t panels() const;

  std::int64_t out_channels;  ///< of the layer; half the packed columns with geglu
  std::int64_t count;         ///< packed, without the padding of a last vector (with it for geglu)
  bool geglu;
};

/// A layer's bias in the order of its packed columns, padded; empty where there is none.
Buffer pack_bias(Device& device, const PackedColumns& columns, std::span<const float> bias);

/// Layers as the CPU keeps them: the columns (output channels) of the weights in panels of the instruction
/// set's width, each panel [tap][in channel][column], so that the kernels read memory in one stream. One
/// layout for every size of input.
class PackedMatrix : public PackedWeights {
 public:
  PackedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host);
  PackedMatrix(Device& device, ThreadPool& pool, const HostLinear& host);

  /// One of the two: in half precision where it is exact and there are enough weights for it to be worth it.
  [[nodiscard]] const float* weights() const {
    return half_ ? nullptr : static_cast<const float*>(weights_.data());
  }
  [[nodiscard]] const Half* half_weights() const {
    return half_ ? static_cast<const Half*>(weights_.data()) : nullptr;
  }
  [[nodiscard]] const float* bias() const {
    return static_cast<const float*>(bias_.data());
  }  ///< nullptr: none

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

/// Gain or shift of a norm.
class PackedVector : public PackedWeights {
 public:
  explicit PackedVector(std::span<const float> host) : values(host.begin(), host.end()) {}
  std::vector<float> values;
};

}  // namespace streamdiffusion::cpu
