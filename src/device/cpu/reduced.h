#pragma once

#include <cstdint>
#include <span>

#include "device/cpu/packing.h"
#include "device/cpu/reduced_kernel.h"
#include "device/cpu/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// Layers in 8 or 16 bits, rounded when packed. Sums are exact integers, or float32.
///
/// int8: weights as signed bytes with a scale for each output channel; inputs as unsigned bytes, rounded on
/// their way in, with a scale for each token of a linear layer and for each picture, or band of lines of a
/// large one, of a convolution, so that no row of a batch depends on another. bf16: both rounded to bfloat16.
class ReducedMatrix {
 public:
  ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host);
  ReducedMatrix(Device& device, Workers& workers, const HostLinear& host);

  /// Whether the layer was asked for in a reduced precision, and the machine gains by it.
  static bool suits(const Features& features, const HostConv2d& host);
  static bool suits(const Features& features, const HostLinear& host);

  [[nodiscard]] const std::int8_t* weights() const {
    return static_cast<const std::int8_t*>(weights_.data());
  }
  /// Of columns of bytes.
  [[nodiscard]] const float* scales() const { return static_cast<const float*>(scales_.data()); }
  [[nodiscard]] const std::int32_t* sums() const { return static_cast<const std::int32_t*>(sums_.data()); }
  [[nodiscard]] const float* bias() const {
    return static_cast<const float*>(bias_.data());
  }  ///< nullptr: none

  PackedColumns columns;
  Format format;
  bool amx;
  std::int64_t in_channels = 0;
  std::int64_t pixel_bytes = 0;  ///< input channels in whole units
  std::int64_t kernel = 1;
  std::int64_t weight_units = 0;  ///< of a kernel line, with its padding
  Resample resample = Resample::none;

 private:
  void pack(Device& device, ThreadPool& pool, std::span<const float> weight);
  void pack_panel(std::int64_t panel, std::span<const float> weight);
  /// Neighbouring input channels' weights for one output channel.
  struct WeightsOfUnit {
    const float* values;
    std::int64_t stride;
    std::int64_t count;
  };
  /// Calls write(column, weights, place in the panel) for every unit of a panel's columns.
  template <typename Write>
  void for_units(std::span<const float> weight, std::int64_t first, std::int64_t width,
                 const Write& write) const;
  [[nodiscard]] float largest_weight(std::span<const float> weight, std::int64_t out) const;

  Buffer weights_;
  Buffer scales_;
  Buffer sums_;
  Buffer bias_;
};

/// What a layer's weights and result say of its task; what it reads is left to be set.
ReducedTask make_reduced_task(const Workers& workers, const ReducedMatrix& matrix, const Tensor& residual,
                              Activation activation, const Tensor& out);

/// Reads another matrix of the same shape instead.
void set_weights(ReducedTask& task, const ReducedMatrix& matrix);

}  // namespace streamdiffusion::cpu
