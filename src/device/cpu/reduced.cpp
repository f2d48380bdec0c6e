#include "device/cpu/reduced.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/cpu/amx.h"
#include "device/cpu/conv_output.h"

namespace streamdiffusion::cpu {

namespace {

constexpr float kLargestByte = 127.0F;
// Input channels that are packed together: their cache lines stay near while the columns go by.
constexpr std::int64_t kChannelBlock = 16;
// Narrower inputs are those of a network's first layers, which are sensitive and take little time.
constexpr std::int64_t kFewestChannels = 16;
// Fewer outputs are those of a network's last layers, likewise: they are not written in bytes.
constexpr std::int64_t kFewestOutputs = 8;

std::int64_t divide_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }
std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return divide_up(n, multiple) * multiple; }

bool pays(const Features& features, Precision precision, std::int64_t in_channels,
          std::int64_t out_channels) {
  if (precision == Precision::f32 || in_channels < kFewestChannels) {
    return false;
  }
  const bool bf16 = features.bf16 && multiplies_bytes();
  if (out_channels < kFewestOutputs) {
    return bf16 && features.amx;
  }
  return bf16 || precision == Precision::int8;
}

Format format_of(Precision precision, std::int64_t out_channels) {
  return precision == Precision::bf16 || out_channels < kFewestOutputs ? Format::bf16 : Format::int8;
}

/// To the nearest, to even between two.
std::int8_t to_byte(float value) {
  constexpr float kWhole = 0x1.8p23F;  // so large that floats near it are whole numbers
  const float rounded = value + kWhole - kWhole;
  return static_cast<std::int8_t>(std::clamp(rounded, -kLargestByte, kLargestByte));
}

}  // namespace

bool ReducedMatrix::suits(const Features& features, const HostConv2d& host) {
  const bool known = host.resample != Resample::up || host.kernel == 3;
  return known && pays(features, host.precision, host.in_channels, host.out_channels);
}

bool ReducedMatrix::suits(const Features& features, const HostLinear& host) {
  return pays(features, host.precision, host.in_channels, host.out_channels);
}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host)
    : columns(host),
      format(format_of(host.precision, host.out_channels)),
      amx(workers.features().amx && multiplies_bytes()),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels * format_bytes(format), kUnit)),
      kernel(host.kernel),
      weight_units(round_up(kernel * pixel_bytes, amx ? kAmxStep : kUnit) / kUnit),
      resample(host.resample),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, workers.pool(), host.weight);
}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostLinear& host)
    : columns(host),
      format(format_of(host.precision, host.out_channels)),
      amx(workers.features().amx && multiplies_bytes()),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels * format_bytes(format), kUnit)),
      weight_units(round_up(pixel_bytes, amx ? kAmxStep : kUnit) / kUnit),
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
  auto* to = static_cast<std::int8_t*>(weights_.data()) + first * kernel * weight_units * kUnit;
  std::fill_n(to, width * kernel * weight_units * kUnit, std::int8_t{0});
  if (format == Format::bf16) {
    for_units(weight, first, width, [&](std::int64_t, const WeightsOfUnit& unit, std::int64_t place) {
      Bf16 rounded[kUnit / sizeof(Bf16)] = {};
      for (std::int64_t i = 0; i < unit.count; ++i) {
        set(rounded[i], unit.values[i * unit.stride]);
      }
      std::memcpy(to + place, rounded, kUnit);
    });
    return;
  }
  auto* scales = static_cast<float*>(scales_.data()) + first;
  auto* sums = static_cast<std::int32_t*>(sums_.data()) + first;
  std::fill_n(sums, width, 0);
  for (std::int64_t column = 0; column < width; ++column) {
    scales[column] = largest_weight(weight, columns.channel(first + column)) / kLargestByte;
  }
  for_units(weight, first, width, [&](std::int64_t column, const WeightsOfUnit& unit, std::int64_t place) {
    const float to_bytes = scales[column] > 0 ? 1.0F / scales[column] : 0.0F;
    std::int8_t rounded[kUnit] = {};
    for (std::int64_t i = 0; i < unit.count; ++i) {
      rounded[i] = to_byte(unit.values[i * unit.stride] * to_bytes);
      sums[column] += rounded[i];
    }
    std::memcpy(to + place, rounded, kUnit);
  });
}

template <typename Write>
void ReducedMatrix::for_units(std::span<const float> weight, std::int64_t first, std::int64_t width,
                              const Write& write) const {
  const std::int64_t taps = kernel * kernel;
  const std::int64_t each = kUnit / format_bytes(format);  // weights of a unit
  const std::int64_t together = amx ? kAmxTile : width;    // columns
  for (std::int64_t block = 0; block < in_channels; block += kChannelBlock) {
    const std::int64_t block_end = std::min(in_channels, block + kChannelBlock);
    for (std::int64_t column = 0; column < width; ++column) {
      const std::int64_t out = columns.channel(first + column);
      const std::int64_t before = column / together * kernel * weight_units;
      for (std::int64_t tap = 0; out >= 0 && tap < taps; ++tap) {
        const std::int64_t tap_unit = tap / kernel * weight_units + tap % kernel * pixel_bytes / kUnit;
        for (std::int64_t in = block; in < block_end; in += each) {
          const float* const values = weight.data() + (out * in_channels + in) * taps + tap;
          write(column, WeightsOfUnit{values, taps, std::min(each, block_end - in)},
                ((before + tap_unit + in / each) * together + column % together) * kUnit);
        }
      }
    }
  }
}

float ReducedMatrix::largest_weight(std::span<const float> weight, std::int64_t out) const {
  if (out < 0) {
    return 0.0F;
  }
  const std::int64_t inner = kernel * kernel * in_channels;
  float largest = 0;
  for (const float value :
       weight.subspan(static_cast<std::size_t>(out * inner), static_cast<std::size_t>(inner))) {
    largest = std::max(largest, std::abs(value));
  }
  return largest;
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
  set_output(task.conv, matrix.columns, residual, activation, out);
  task.conv.bias = matrix.bias();
  task.format = matrix.format;
  task.amx = matrix.amx;
  task.rounds = workers.features().bf16 && multiplies_bytes();
  task.pixel_bytes = matrix.pixel_bytes;
  set_weights(task, matrix);
  return task;
}

}  // namespace streamdiffusion::cpu
