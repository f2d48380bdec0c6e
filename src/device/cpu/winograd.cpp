#include "device/cpu/winograd.h"

#include <algorithm>

#include "device/cpu/kernels.h"

namespace streamdiffusion::cpu {

namespace {

std::int64_t divide_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }

std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return divide_up(n, multiple) * multiple; }

// Layers with more weights than this gain little: they lie deep in a network, where tiles are few and reading
// the weights is what takes the time.
constexpr std::int64_t kMostWeights = std::int64_t{640} * 640;
constexpr std::int64_t kFewestChannels = 32;

// Transformed inputs and products that are in flight together: in the second-level cache where a thread works
// on its own,
constexpr std::int64_t kPieceFloats = std::int64_t{160} << 10U;
// with weights that share it,
constexpr std::int64_t kMostPieceWeights = std::int64_t{160} << 10U;
// and tiles that are worth reading them for;
constexpr std::int64_t kFewestPieceTiles = 24;
// in the last-level cache where all work together.
constexpr std::int64_t kStripFloats = std::int64_t{3} << 20U;
constexpr std::int64_t kGroupTiles = 16;
// Multiplications that are worth a task of their own.
constexpr std::int64_t kTaskWork = 2'000'000;

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
  panels = divide_up(padded, format.columns);
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

namespace {

/// Where transformed inputs and products of some tiles lie.
class Strip {
 public:
  Strip(const WinogradWeights& weights, std::int64_t tiles)
      : input_stride(position_stride(tiles * weights.padded_in_channels)),
        product_stride(position_stride(tiles * weights.padded_out_channels)) {}

  [[nodiscard]] std::int64_t floats() const { return kWinogradPositions * (input_stride + product_stride); }
  [[nodiscard]] float* products(float* inputs) const { return inputs + kWinogradPositions * input_stride; }

  std::int64_t input_stride;
  std::int64_t product_stride;

 private:
  /// Not a multiple of a page, so that the 36 streams that a transform writes do not compete for the same
  /// cache sets.
  static std::int64_t position_stride(std::int64_t floats) {
    constexpr std::int64_t kPageFloats = 1024;
    constexpr std::int64_t kOffset = 80;  // five cache lines
    return round_up(floats, kPageFloats) + kOffset;
  }
};

std::int64_t tile_lines(const WinogradTask& task) { return divide_up(task.out.shape.h, kWinogradTile); }
std::int64_t tiles_of_line(const WinogradTask& task) { return divide_up(task.out.shape.w, kWinogradTile); }

/// How many pieces each thread may compute on its own, from input to output, with all that lies between in
/// its second-level cache; 0: the layer has too many weights, or too few tiles, for each to read them.
std::int64_t own_pieces(const WinogradWeights& weights, std::int64_t tiles, std::int64_t threads) {
  const std::int64_t tile_floats =
      kWinogradPositions * (weights.padded_in_channels + weights.padded_out_channels);
  const std::int64_t pieces = round_up(divide_up(tiles * tile_floats, kPieceFloats), threads);
  const bool few_weights = kWinogradPositions * weights.position_floats <= kMostPieceWeights;
  return few_weights && tiles / pieces >= kFewestPieceTiles ? pieces : 0;
}

void run_in_pieces(Workers& workers, const WinogradTask& task, std::int64_t tiles, std::int64_t pieces) {
  const WinogradWeights& weights = *task.weights;
  const Strip strip(weights, divide_up(tiles, pieces));
  workers.prepare(strip.floats());
  workers.pool().parallel_for(pieces, [&](std::int64_t i, int thread) {
    const std::int64_t first = tiles * i / pieces;
    const std::int64_t last = tiles * (i + 1) / pieces;
    float* const inputs = workers.own(thread);
    float* const products = strip.products(inputs);
    winograd_input(task, first, last, inputs, strip.input_stride);
    for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
      for (std::int64_t panel = 0; panel < weights.panels; ++panel) {
        winograd_product(weights, position, panel, last - first, inputs + position * strip.input_stride,
                         products + position * strip.product_stride);
      }
    }
    winograd_output(task, first, last, products, strip.product_stride);
  });
}

/// All threads at a strip of the picture, one step after the other.
void run_in_strips(Workers& workers, const WinogradTask& task, std::int64_t tiles) {
  const WinogradWeights& weights = *task.weights;
  const std::int64_t tile_floats =
      kWinogradPositions * (weights.padded_in_channels + weights.padded_out_channels);
  const std::int64_t strips =
      std::clamp<std::int64_t>(divide_up(tiles * tile_floats, kStripFloats), 1, tiles);
  const Strip strip(weights, divide_up(tiles, strips));
  float* const inputs = workers.shared(strip.floats());
  float* const products = strip.products(inputs);
  ThreadPool& pool = workers.pool();
  for (std::int64_t s = 0; s < strips; ++s) {
    const std::int64_t first = tiles * s / strips;
    const std::int64_t count = tiles * (s + 1) / strips - first;
    const std::int64_t groups = divide_up(count, kGroupTiles);
    const auto for_groups = [&](const auto& function) {
      pool.parallel_for(groups, [&](std::int64_t group, int) {
        const std::int64_t from = count * group / groups;
        function(from, count * (group + 1) / groups);
      });
    };
    for_groups([&](std::int64_t from, std::int64_t to) {
      winograd_input(task, first + from, first + to, inputs + from * weights.padded_in_channels,
                     strip.input_stride);
    });
    const std::int64_t work = count * weights.in_channels * weights.out_channels / weights.panels;
    const std::int64_t blocks = std::clamp<std::int64_t>(work / kTaskWork, 1, groups);
    pool.parallel_for(kWinogradPositions * weights.panels * blocks, [&](std::int64_t i, int) {
      const std::int64_t from = count * (i % blocks) / blocks;
      const std::int64_t to = count * (i % blocks + 1) / blocks;
      const std::int64_t position = i / blocks / weights.panels;
      winograd_product(weights, position, i / blocks % weights.panels, to - from,
                       inputs + position * strip.input_stride + from * weights.padded_in_channels,
                       products + position * strip.product_stride + from * weights.padded_out_channels);
    });
    for_groups([&](std::int64_t from, std::int64_t to) {
      winograd_output(task, first + from, first + to, products + from * weights.padded_out_channels,
                      strip.product_stride);
    });
  }
}

}  // namespace

void run_winograd(Workers& workers, const WinogradTask& task) {
  const std::int64_t tiles = task.out.shape.n * tile_lines(task) * tiles_of_line(task);
  if (const std::int64_t pieces = own_pieces(*task.weights, tiles, workers.pool().threads()); pieces > 0) {
    run_in_pieces(workers, task, tiles, pieces);
  } else {
    run_in_strips(workers, task, tiles);
  }
}

}  // namespace streamdiffusion::cpu
