#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "device/cpu/thread_pool.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Layers as the CPU keeps them: the columns (output channels) of the weights in panels of the instruction
/// set's width, each panel [tap][in channel][column], so that the kernels read memory in one stream. One
/// layout for every size of input.
class PackedMatrix : public PackedWeights {
 public:
  PackedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host);
  PackedMatrix(Device& device, ThreadPool& pool, const HostLinear& host);

  [[nodiscard]] const float* weights() const { return static_cast<const float*>(weights_.data()); }
  [[nodiscard]] const float* bias() const {
    return static_cast<const float*>(bias_.data());
  }  ///< nullptr: none

  std::int64_t out_channels = 0;  ///< of the layer; half the packed columns with geglu
  std::int64_t in_channels = 0;
  std::int64_t kernel = 1;
  Resample resample = Resample::none;
  bool geglu = false;
  std::int64_t columns = 0;  ///< packed, without the padding of a last vector (with it for geglu)
  std::int64_t panels = 0;

 private:
  void pack(Device& device, ThreadPool& pool, std::span<const float> weight, std::span<const float> bias);
  /// The output channel in a packed column, or -1 for padding.
  [[nodiscard]] std::int64_t channel(std::int64_t column) const;

  Buffer weights_;
  Buffer bias_;
};

/// Gain or shift of a norm.
class PackedVector : public PackedWeights {
 public:
  explicit PackedVector(std::span<const float> host) : values(host.begin(), host.end()) {}
  std::vector<float> values;
};

}  // namespace streamdiffusion::cpu
