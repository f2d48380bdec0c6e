#include "device/cpu/winograd.h"

#include <algorithm>

#include "device/cpu/kernels.h"

namespace streamdiffusion::cpu {

namespace {

std::int64_t round_up(std::int64_t n, std::int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

// Layers with more weights than this gain little: they lie deep in a network, where tiles are few and reading
// the weights is what takes the time.
constexpr std::int64_t kMostWeights = std::int64_t{640} * 640;
constexpr std::int64_t kFewestChannels = 32;

}  // namespace

bool WinogradWeights::suits(const HostConv2d& host) {
  return host.kernel == 3 && host.resample != Resample::down &&
         std::min(host.in_channels, host.out_channels) >= kFewestChannels &&
         host.in_channels * host.out_channels <= kMostWeights;
}

WinogradWeights::WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host)
    : in_channels(host.in_channels),
      out_channels(host.out_channels),
      padded_in_channels(round_up(in_channels, panel_format().lanes)),
      padded_out_channels(round_up(out_channels, panel_format().lanes)),
      resample(host.resample) {
  const PanelFormat format = panel_format();
  const std::int64_t padded = padded_out_channels;
  panels = (padded + format.columns - 1) / format.columns;
  position_floats = padded * in_channels;
  weights = device.allocate(static_cast<std::size_t>(position_floats * kWinogradPositions) * sizeof(float));
  auto* packed = static_cast<float*>(weights.data());

  pool.parallel_for(panels, [&](std::int64_t panel, int) {
    const std::int64_t first = panel * format.columns;
    const std::int64_t width = std::min(format.columns, padded - first);
    for (std::int64_t in = 0; in < in_channels; ++in) {
      for (std::int64_t column = 0; column < width; ++column) {
        float values[kWinogradPositions] = {};
        if (first + column < out_channels) {
          winograd_filter(host.weight.data() + ((first + column) * in_channels + in) * 9, values);
        }
        for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
          packed[position * position_floats + first * in_channels + in * width + column] = values[position];
        }
      }
    }
  });

  if (!host.bias.empty()) {
    bias = device.allocate(static_cast<std::size_t>(padded) * sizeof(float));
    auto* values = static_cast<float*>(bias.data());
    std::fill_n(values, padded, 0.0F);
    std::copy(host.bias.begin(), host.bias.end(), values);
  }
}

std::int64_t winograd_position_stride(std::int64_t floats) {
  constexpr std::int64_t kPageFloats = 1024;
  constexpr std::int64_t kOffset = 80;  // five cache lines
  return round_up(floats, kPageFloats) + kOffset;
}

}  // namespace streamdiffusion::cpu
