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
  /// Writes a column's weights in the format, in their order, and sets its scale and sum.
  void round_column(std::int64_t column, std::span<const float> weight, std::uint8_t* row);
  /// Writes `count` rows of rounded weights in units, which follow one another by `unit_pitch` bytes.
  template <typename Number>
  void place_columns(const std::uint8_t* rows, std::int64_t row_bytes, std::int64_t count, std::uint8_t* to,
                     std::int64_t unit_pitch) const;

  float largest_weight_;  // of bytes
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
