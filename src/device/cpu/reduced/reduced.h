#pragma once

#include <cstdint>
#include <span>

#include "device/cpu/matrix/packing.h"
#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/threads/scratch.h"
#include "device/device.h"

namespace streamdiffusion::cpu {

/// A convolution or linear layer packed in int8 or bf16.
///
/// int8: weights are signed, with a scale for each output channel. Inputs are quantised to unsigned int8 when
/// the layer runs. Linear layers have a scale for each token, convolutions for each image or, if it is large,
/// for each band of lines; so no row of a batch depends on another. Sums are exact in int32.
///
/// bf16: weights and inputs are rounded to bfloat16. Sums are float32.
class ReducedMatrix {
 public:
  /// `number_format` is int8 or bf16.
  ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host, Format number_format);
  ReducedMatrix(Device& device, Workers& workers, const HostLinear& host, Format number_format);

  /// int8 or bf16 weights in the layout of ReducedTask::weights.
  [[nodiscard]] const std::int8_t* weights() const {
    return static_cast<const std::int8_t*>(weights_.data());
  }
  /// Scale of each packed column of int8 weights; nullptr for bf16.
  [[nodiscard]] const float* scales() const { return static_cast<const float*>(scales_.data()); }
  /// Sum of each packed column of int8 weights, which corrects for the inputs' zero point; nullptr for bf16.
  [[nodiscard]] const std::int32_t* sums() const { return static_cast<const std::int32_t*>(sums_.data()); }
  /// Bias of each packed column; nullptr if the layer has none.
  [[nodiscard]] const float* bias() const { return static_cast<const float*>(bias_.data()); }

  PackedColumns columns;
  Format format;
  bool amx;  ///< True if the weights have the layout of AMX tiles.
  std::int64_t in_channels = 0;
  std::int64_t pixel_bytes = 0;  ///< Bytes of a rounded input pixel, padded to whole units.
  std::int64_t kernel = 1;
  std::int64_t weight_units = 0;  ///< Units in one line of the kernel, padded to whole AMX steps with AMX.
  Resample resample = Resample::none;

 private:
  ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host, const PackedColumns& packed_columns,
                Format number_format);

  void pack(Device& device, ThreadPool& pool, std::span<const float> weight);
  void pack_panel(std::int64_t panel, std::span<const float> weight);
  /// Rounds a column's weights into `row`, in the host's order, and sets its scale and sum.
  void round_column(std::int64_t column, std::span<const float> weight, std::uint8_t* row);
  /// Writes `count` rows of rounded weights, `row_bytes` apart, into a panel. Consecutive units of a column
  /// are `unit_pitch` bytes apart.
  template <typename Number>
  void place_columns(const std::uint8_t* rows, std::int64_t row_bytes, std::int64_t count, std::uint8_t* to,
                     std::int64_t unit_pitch) const;

  Features features_;
  float largest_weight_;  // Largest magnitude of an int8 weight.
  Buffer weights_;
  Buffer scales_;
  Buffer sums_;
  Buffer bias_;
};

/// Makes a task with weights, epilogue and output set. The caller sets the input and its geometry.
ReducedTask make_reduced_task(const Workers& workers, const ReducedMatrix& matrix, const Tensor& residual,
                              Activation activation, const Tensor& out);

/// Replaces the task's weights by those of another matrix of the same shape.
void set_weights(ReducedTask& task, const ReducedMatrix& matrix);

}  // namespace streamdiffusion::cpu
