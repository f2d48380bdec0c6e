#include "device/cpu/matrix/packing.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "core/round_up.h"
#include "device/cpu/kernels.h"

namespace streamdiffusion::cpu {

namespace {

// Side of the square blocks that are transposed: 16 floats fill a cache line on the side that is read and on
// the side that is written.
constexpr std::int64_t kBlock = 16;
template <typename T>
using WeightBlock = std::array<std::array<T, kBlock>, kBlock>;

/// Transposes weights from .. from + count - 1 of each row. A null row gives zeros.
WeightBlock<float> transpose(const float* const* rows, std::int64_t from, std::int64_t count) {
  WeightBlock<float> block{};
  for (std::size_t column = 0; column < kBlock; ++column) {
    if (rows[column] == nullptr) {
      continue;
    }
    const float* const row = rows[column] + from;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      block[i][column] = row[i];
    }
  }
  return block;
}

/// Returns the block in its packed type: for float the block itself, for Half a copy in `memory`.
const WeightBlock<float>& as_packed(const WeightBlock<float>& block, const WeightBlock<float>& /*memory*/) {
  return block;
}
const WeightBlock<Half>& as_packed(const WeightBlock<float>& block, WeightBlock<Half>& memory) {
  to_half(block.front().data(), kBlock * kBlock, memory.front().data());
  return memory;
}

// Layers with fewer weights stay in float32: the memory saved would not be worth unpacking them at each use.
// With this limit unpacking costs the UNet of SD-Turbo's shape 1% of its time and saves 2.1 of 5.3 GB
// (2026-11).
constexpr std::int64_t kFewestHalves = 400'000;

bool all_fit_half(ThreadPool& pool, std::span<const float> values) {
  constexpr std::int64_t kPart = 100'000;  // Tens of microseconds, far more than it takes to hand on a task.
  std::atomic<bool> all = true;
  pool.parallel_for(divide_up(std::ssize(values), kPart), [&](std::int64_t i, int) {
    const std::int64_t first = i * kPart;
    if (all && !fits_half(values.data() + first, std::min(kPart, std::ssize(values) - first))) {
      all = false;
    }
  });
  return all;
}

}  // namespace

PackedColumns::PackedColumns(const HostConv2d& host)
    : out_channels(host.out_channels), count(host.out_channels), geglu(false) {}

PackedColumns::PackedColumns(const HostLinear& host)
    : out_channels(host.geglu ? host.out_channels / 2 : host.out_channels),
      count(host.geglu ? 2 * round_up(out_channels, panel_format().lanes) : out_channels),
      geglu(host.geglu) {}

std::int64_t PackedColumns::channel(std::int64_t column) const {
  if (!geglu) {
    return column < out_channels ? column : -1;
  }
  // The first half of a panel holds values, the second half their gates.
  const std::int64_t width = panel_format().columns;
  const std::int64_t panel = column / width;
  const std::int64_t half = std::min(width, count - panel * width) / 2;
  const std::int64_t within = column - panel * width;
  const std::int64_t value = panel * width / 2 + within % half;
  if (value >= out_channels) {
    return -1;
  }
  return within < half ? value : out_channels + value;
}

std::int64_t PackedColumns::padded() const { return round_up(count, panel_format().lanes); }

std::int64_t PackedColumns::panels() const {
  const std::int64_t width = panel_format().columns;
  return divide_up(padded(), width);
}

Buffer pack_bias(Device& device, const PackedColumns& columns, std::span<const float> bias) {
  if (bias.empty()) {
    return {};
  }
  Buffer packed = device.allocate(static_cast<std::size_t>(columns.padded()) * sizeof(float));
  auto* values = static_cast<float*>(packed.data());
  for (std::int64_t column = 0; column < columns.padded(); ++column) {
    const std::int64_t out = columns.channel(column);
    values[column] = out < 0 ? 0.0F : bias[static_cast<std::size_t>(out)];
  }
  return packed;
}

PackedMatrix::PackedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host)
    : columns(host),
      in_channels(host.in_channels),
      kernel(host.kernel),
      resample(host.resample),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, pool, host.weight);
}

PackedMatrix::PackedMatrix(Device& device, ThreadPool& pool, const HostLinear& host)
    : columns(host), in_channels(host.in_channels), bias_(pack_bias(device, columns, host.bias)) {
  pack(device, pool, host.weight);
}

void PackedMatrix::pack(Device& device, ThreadPool& pool, std::span<const float> weight) {
  half_ = std::ssize(weight) >= kFewestHalves && all_fit_half(pool, weight);
  const std::int64_t count = columns.padded() * kernel * kernel * in_channels;
  weights_ = device.allocate(static_cast<std::size_t>(count) * (half_ ? sizeof(Half) : sizeof(float)));
  pool.parallel_for(columns.panels(), [&](std::int64_t panel, int) {
    if (half_) {
      pack_panel(panel, weight, static_cast<Half*>(weights_.data()));
    } else {
      pack_panel(panel, weight, static_cast<float*>(weights_.data()));
    }
  });
}

template <typename T>
void PackedMatrix::pack_panel(std::int64_t panel, std::span<const float> weight, T* packed) const {
  const PanelFormat format = panel_format();
  const std::int64_t taps = kernel * kernel;
  const std::int64_t inner = taps * in_channels;
  const std::int64_t first = panel * format.columns;
  const std::int64_t width = std::min(format.columns, columns.padded() - first);
  WeightBlock<T> memory;
  for (std::int64_t column = 0; column < width; column += kBlock) {
    const std::int64_t valid = std::min(kBlock, width - column);
    const float* rows[kBlock] = {};
    for (std::int64_t i = 0; i < valid; ++i) {
      const std::int64_t out = columns.channel(first + column + i);
      rows[i] = out < 0 ? nullptr : weight.data() + out * inner;
    }
    for (std::int64_t from = 0; from < inner; from += kBlock) {
      const std::int64_t count = std::min(kBlock, inner - from);
      const WeightBlock<float> transposed = transpose(rows, from, count);
      const WeightBlock<T>& block = as_packed(transposed, memory);
      for (std::int64_t i = 0; i < count; ++i) {
        const std::int64_t in = (from + i) / taps;
        const std::int64_t tap = (from + i) % taps;
        std::copy_n(block[static_cast<std::size_t>(i)].data(), valid,
                    packed + first * inner + (tap * in_channels + in) * width + column);
      }
    }
  }
}

}  // namespace streamdiffusion::cpu
