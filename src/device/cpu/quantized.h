#pragma once

#include <cstdint>
#include <span>

#include "device/cpu/packing.h"
#include "device/cpu/quantized_kernel.h"
#include "device/cpu/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Layers in 8 bits: weights as signed bytes with a scale for each output channel, rounded when packed.
/// Inputs are rounded to unsigned bytes on their way in, with a scale for each token of a linear layer and
/// for each band of lines of a convolution, so that no row of a batch depends on another. Sums are exact
/// integers.
class QuantizedMatrix {
 public:
  QuantizedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host);
  QuantizedMatrix(Device& device, ThreadPool& pool, const HostLinear& host);

  /// Whether the layer was asked for in 8 bits and gains by it.
  static bool suits(const HostConv2d& host);
  static bool suits(const HostLinear& host);

  [[nodiscard]] const std::int8_t* weights() const {
    return static_cast<const std::int8_t*>(weights_.data());
  }
  [[nodiscard]] const float* scales() const { return static_cast<const float*>(scales_.data()); }
  [[nodiscard]] const std::int32_t* sums() const { return static_cast<const std::int32_t*>(sums_.data()); }
  [[nodiscard]] const float* bias() const {
    return static_cast<const float*>(bias_.data());
  }  ///< nullptr: none

  PackedColumns columns;
  std::int64_t in_channels = 0;
  std::int64_t pixel_bytes = 0;  ///< input channels in whole quads
  std::int64_t kernel = 1;
  Resample resample = Resample::none;

 private:
  void pack(Device& device, ThreadPool& pool, std::span<const float> weight);
  void pack_panel(std::int64_t panel, std::span<const float> weight);

  Buffer weights_;
  Buffer scales_;
  Buffer sums_;
  Buffer bias_;
};

void convolve(Workers& workers, const QuantizedMatrix& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out);
void multiply(Workers& workers, const QuantizedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
