#include "device/cpu/reduced/reduced.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/round_up.h"
#include "device/cpu/matrix/conv_output.h"
#include "device/cpu/simd/amx.h"

namespace streamdiffusion::cpu {

namespace {

constexpr float kLargestWeight = 127.0F;
// Columns that are packed together: 16 units of 4 bytes fill a cache line.
constexpr std::int64_t kPackedColumns = 16;
// XOR with this turns an unsigned int8 with zero point 128 into a signed int8.
constexpr std::uint8_t kSign = 128;

float largest_weight_of(const Features& features) {
  return adds_in_16_bits(features) ? kLargestWeightIn16Bits : kLargestWeight;
}

/// Returns the 1x1 convolution with the weights of a linear layer, without GEGLU.
HostConv2d as_conv2d(const HostLinear& host) {
  return {.weight = host.weight,
          .bias = host.bias,
          .out_channels = host.out_channels,
          .in_channels = host.in_channels,
          .precision = host.precision};
}

}  // namespace

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host, Format number_format)
    : ReducedMatrix(device, workers, host, PackedColumns(host), number_format) {}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostLinear& host, Format number_format)
    : ReducedMatrix(device, workers, as_conv2d(host), PackedColumns(host), number_format) {}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host,
                             const PackedColumns& packed_columns, Format number_format)
    : columns(packed_columns),
      format(number_format),
      amx(workers.features().amx),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels * format_bytes(format), kUnit)),
      kernel(host.kernel),
      weight_units(round_up(kernel * pixel_bytes, amx ? kAmxStep : kUnit) / kUnit),
      resample(host.resample),
      features_(workers.features()),
      largest_weight_(largest_weight_of(features_)),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, workers.pool(), host.weight);
}

void ReducedMatrix::pack(Device& device, ThreadPool& pool, std::span<const float> weight) {
  const auto padded = static_cast<std::size_t>(columns.padded());
  weights_ = device.allocate(padded * static_cast<std::size_t>(kernel * weight_units * kUnit));
  if (format == Format::int8) {
    scales_ = device.allocate(padded * sizeof(float));
    sums_ = device.allocate(padded * sizeof(std::int32_t));
  }
  pool.parallel_for(columns.panels(), [&](std::int64_t panel, int) { pack_panel(panel, weight); });
}

void ReducedMatrix::pack_panel(std::int64_t panel, std::span<const float> weight) {
  const PanelFormat panels = panel_format();
  const std::int64_t first = panel * panels.columns;
  const std::int64_t width = std::min(panels.columns, columns.padded() - first);
  auto* to = static_cast<std::uint8_t*>(weights_.data()) + first * kernel * weight_units * kUnit;
  std::fill_n(to, width * kernel * weight_units * kUnit, std::uint8_t{0});
  const std::int64_t row_bytes = round_up(kernel * kernel * in_channels * format_bytes(format), kUnit);
  std::vector<std::uint8_t> rows(static_cast<std::size_t>(kPackedColumns * row_bytes));
  for (std::int64_t column = 0; column < width; column += kPackedColumns) {
    const std::int64_t count = std::min(kPackedColumns, width - column);
    for (std::int64_t i = 0; i < count; ++i) {
      round_column(first + column + i, weight, rows.data() + i * row_bytes);
    }
    const std::int64_t panel_width = amx ? kAmxTile : width;
    std::uint8_t* const place =
        to + (column / panel_width * kernel * weight_units * panel_width + column % panel_width) * kUnit;
    format == Format::int8
        ? place_columns<std::uint8_t>(rows.data(), row_bytes, count, place, panel_width * kUnit)
        : place_columns<std::uint16_t>(rows.data(), row_bytes, count, place, panel_width * kUnit);
  }
}

void ReducedMatrix::round_column(std::int64_t column, std::span<const float> weight, std::uint8_t* row) {
  const std::int64_t out = columns.channel(column);
  const std::int64_t inner = kernel * kernel * in_channels;
  const Elements values{const_cast<float*>(weight.data()) + std::max<std::int64_t>(out, 0) * inner,
                        DType::f32};
  const ReducedLine line{
      .x = values, .x_stride = inner, .channels = inner, .width = 1, .pixels = 1, .out = row};
  if (format == Format::bf16 && out >= 0) {
    round_line(line, format, {}, features_);
    return;
  }
  std::memset(row, 0, static_cast<std::size_t>(inner * format_bytes(format)));
  if (format == Format::bf16) {
    return;
  }
  const ValueRange range = out >= 0 ? value_range(values, inner, 1, inner) : ValueRange{};
  const float scale = std::max(-range.low, range.high) / largest_weight_;
  std::int32_t sum = 0;
  if (scale > 0) {
    round_line(line, format, {scale, kSign}, features_);
    for (std::int64_t i = 0; i < inner; ++i) {
      row[i] ^= kSign;
      sum += static_cast<std::int8_t>(row[i]);
    }
  }
  static_cast<float*>(scales_.data())[column] = scale;
  static_cast<std::int32_t*>(sums_.data())[column] = sum;
}

template <typename Number>
void ReducedMatrix::place_columns(const std::uint8_t* rows, std::int64_t row_bytes, std::int64_t count,
                                  std::uint8_t* to, std::int64_t unit_pitch) const {
  const std::int64_t taps = kernel * kernel;
  constexpr auto kBytes = static_cast<std::int64_t>(sizeof(Number));
  constexpr std::int64_t kEach = kUnit / kBytes;  // Weights in a unit.
  for (std::int64_t tap = 0; tap < taps; ++tap) {
    std::uint8_t* units =
        to + (tap / kernel * weight_units + tap % kernel * pixel_bytes / kUnit) * unit_pitch;
    for (std::int64_t in = 0; in < in_channels; in += kEach, units += unit_pitch) {
      const std::int64_t valid = std::min(kEach, in_channels - in);
      const std::uint8_t* const first = rows + (in * taps + tap) * kBytes;
      if (taps == 1 && valid == kEach) {
        for (std::int64_t i = 0; i < count; ++i) {
          std::memcpy(units + i * kUnit, first + i * row_bytes, kUnit);
        }
        continue;
      }
      for (std::int64_t i = 0; i < count; ++i) {
        for (std::int64_t k = 0; k < valid; ++k) {
          std::memcpy(units + i * kUnit + k * kBytes, first + i * row_bytes + k * taps * kBytes, kBytes);
        }
      }
    }
  }
}

void set_weights(ReducedTask& task, const ReducedMatrix& matrix) {
  task.weights = matrix.weights();
  task.weight_units = matrix.weight_units;
  task.weight_scales = matrix.scales();
  task.weight_sums = matrix.sums();
}

ReducedTask make_reduced_task(const Workers& workers, const ReducedMatrix& matrix, const Tensor& residual,
                              Activation activation, const Tensor& out) {
  ReducedTask task;
  set_task_output(task.conv, matrix.columns, residual, activation, out);
  task.conv.bias = matrix.bias();
  task.format = matrix.format;
  task.features = workers.features();
  task.pixel_bytes = matrix.pixel_bytes;
  // 768 of Zen 4's 1024 KiB; panels of weights pass through the rest.
  task.pass_bytes = workers.caches().used_second_level() * 3 / 4;
  set_weights(task, matrix);
  return task;
}

}  // namespace streamdiffusion::cpu
