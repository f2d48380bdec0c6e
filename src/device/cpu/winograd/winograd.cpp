#include "device/cpu/winograd/winograd.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/index_range.h"
#include "core/round_up.h"
#include "device/cpu/kernels.h"
#include "device/cpu/simd/rounding.h"
#include "device/cpu/threads/task_size.h"

namespace streamdiffusion::cpu {

namespace {

// Fewest tiles of a piece: with fewer it would not be worth reading all weights. A multiple of the rows of
// the widest product tiles, 6, 8 and 12.
constexpr std::int64_t kFewestPieceTiles = 24;
// Fewest tiles of a task of transforming if each thread has one, as neighbours share inputs: a line of a
// 64x64 image.
constexpr std::int64_t kGroupTiles = 16;
// Elements that a transform of a tile reads and writes in a channel, for its number of tasks: somewhat more
// than a 4x4 tile's 36 inputs.
constexpr std::int64_t kTileElements = 40;
// A panel's product is divided among threads only if each part is as much work as this many tasks, since each
// part reads the whole panel.
constexpr std::int64_t kTasksPerPart = 10;

constexpr std::int64_t kPoints = 6;
// Largest magnitude of an int16 weight. If all weights and inputs had it, a sum over the input channels would
// be 1e9, half of int32's range. Most weights are much smaller, so inputs get a larger range (largest_input).
float largest_weight(std::int64_t channels) { return std::sqrt(1e9F / static_cast<float>(channels)); }
constexpr std::int64_t kLargestInput = std::numeric_limits<std::int16_t>::max();
// Largest sum of int16 products. The rest of the int32 range absorbs float32's rounding of the inputs.
constexpr std::int64_t kLargestSum = (std::int64_t{1} << 31U) / 1000 * 999;

}  // namespace

WinogradWeights::WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host,
                                 const WinogradPlan& plan)
    : format(plan.format),
      outputs(static_cast<std::int64_t>(plan.tile)),
      in_channels(host.in_channels),
      out_channels(host.out_channels),
      padded_in_channels(round_up(in_channels, panel_format().lanes)),
      padded_out_channels(round_up(out_channels, panel_format().lanes)),
      resample(host.resample),
      phases(plan.phases),
      piece_bytes(plan.piece_bytes),
      strip_bytes(plan.strip_bytes),
      columns(plan.columns(host, panel_format().lanes)),
      panels(divide_up(columns, panel_format().columns)),
      position_numbers(columns * plan.rows(host)) {
  weights = device.allocate(static_cast<std::size_t>(position_numbers * positions() * bytes_of(format)));
  if (format == WinogradFormat::int16) {
    pack_int16(device, pool, host);
  } else {
    pack(pool, host);
  }
  if (!host.bias.empty()) {
    bias = device.allocate(static_cast<std::size_t>(padded_out_channels) * sizeof(float));
    auto* values = static_cast<float*>(bias.data());
    std::fill_n(values, padded_out_channels, 0.0F);
    std::copy(host.bias.begin(), host.bias.end(), values);
  }
}

template <typename Write>
void WinogradWeights::for_filters(const HostConv2d& host, std::int64_t panel, const Write& write) const {
  const std::int64_t first = panel * panel_format().columns;
  const std::int64_t width = std::min(panel_format().columns, columns - first);
  const std::int64_t unit = interleaved_weights(format);
  const std::int64_t rows = position_numbers / columns;
  for (std::int64_t in = 0; in < rows; ++in) {
    for (std::int64_t column = first; column < first + width; ++column) {
      float values[kWinogradPositions] = {};
      const std::int64_t out = column % padded_out_channels;
      if (out < out_channels && in < in_channels) {
        const float* const filter = host.weight.data() + (out * in_channels + in) * 9;
        if (phases == 1) {
          winograd_filter(filter, static_cast<WinogradTile>(outputs), values);
        } else {
          winograd_phase_filter(filter, column / padded_out_channels, values);
        }
      }
      write(column, first * rows + (in / unit * width + column - first) * unit + in % unit, values);
    }
  }
}

void WinogradWeights::pack(ThreadPool& pool, const HostConv2d& host) {
  const Elements packed{weights.data(), format == WinogradFormat::bf16 ? DType::bf16 : DType::f32};
  pool.parallel_for(panels, [&](std::int64_t panel, int) {
    for_filters(host, panel, [&](std::int64_t, std::int64_t place, const float* values) {
      for (std::int64_t position = 0; position < positions(); ++position) {
        set(packed + (position * position_numbers + place), values[position]);
      }
    });
  });
}

void WinogradWeights::pack_int16(Device& device, ThreadPool& pool, const HostConv2d& host) {
  scales = device.allocate(static_cast<std::size_t>(columns) * sizeof(float));
  std::vector<std::int64_t> sums(static_cast<std::size_t>(panels));
  pool.parallel_for(panels, [&](std::int64_t panel, int) {
    sums[static_cast<std::size_t>(panel)] = pack_int16_panel(host, panel);
  });
  const std::int64_t largest_sum = std::max<std::int64_t>(1, *std::ranges::max_element(sums));
  largest_input = static_cast<float>(std::min(kLargestInput, kLargestSum / largest_sum));
}

std::int64_t WinogradWeights::pack_int16_panel(const HostConv2d& host, std::int64_t panel) {
  const winograd_points::WeightShares& shares =
      phases == 1 ? winograd_points::kShares : winograd_points::kPhaseShares;
  const auto share = [&](std::int64_t position) {
    return shares.share(position / kPoints) * shares.share(position % kPoints);
  };
  const float most = std::floor(largest_weight(in_channels));
  const std::int64_t first = panel * panel_format().columns;
  const auto width = static_cast<std::size_t>(std::min(panel_format().columns, columns - first));
  std::vector<float> largest(width, kSmallestRange);
  for_filters(host, panel, [&](std::int64_t column, std::int64_t, const float* values) {
    float& of_column = largest[static_cast<std::size_t>(column - first)];
    for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
      of_column = std::max(of_column, std::abs(values[position]) / share(position));
    }
  });
  constexpr float kEnds = winograd_points::kEndInputs * winograd_points::WeightShares::kEnd;
  for (std::size_t i = 0; i < width; ++i) {
    static_cast<float*>(scales.data())[first + static_cast<std::int64_t>(i)] =
        largest[i] / most * kEnds * kEnds;
  }
  std::vector<std::int64_t> sums(width * kWinogradPositions);
  auto* const packed = static_cast<std::int16_t*>(weights.data());
  for_filters(host, panel, [&](std::int64_t column, std::int64_t place, const float* values) {
    const auto i = static_cast<std::size_t>(column - first);
    for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
      const float rounded = std::nearbyint(values[position] / share(position) / largest[i] * most);
      packed[position * position_numbers + place] = static_cast<std::int16_t>(rounded);
      sums[i * kWinogradPositions + static_cast<std::size_t>(position)] +=
          static_cast<std::int64_t>(std::abs(rounded));
    }
  });
  return *std::ranges::max_element(sums);
}

namespace {

/// Layout of the scratch memory of some tiles: transformed inputs, products, and scales of the inputs.
class Strip {
 public:
  Strip(const WinogradWeights& weights, std::int64_t tiles)
      : weights_(weights),
        number_bytes_(bytes_of(weights.format)),
        input_stride_(position_stride(tiles * weights.padded_in_channels, number_bytes_)),
        product_stride_(position_stride(tiles * weights.columns, kFloatBytes)),
        tiles_(round_up(tiles, kLine / kFloatBytes)) {}

  /// Elements from position to position of the transformed inputs.
  [[nodiscard]] std::int64_t input_stride() const { return input_stride_; }
  /// Elements from position to position of the products.
  [[nodiscard]] std::int64_t product_stride() const { return product_stride_; }

  /// Size of the memory.
  [[nodiscard]] std::int64_t floats() const {
    return input_floats() + weights_.positions() * product_stride_ + tiles_;
  }
  [[nodiscard]] std::byte* inputs(float* memory, std::int64_t position, std::int64_t tile) const {
    const std::int64_t numbers = position * input_stride_ + tile * weights_.padded_in_channels;
    return reinterpret_cast<std::byte*>(memory) + numbers * number_bytes_;
  }
  [[nodiscard]] float* products(float* memory, std::int64_t position, std::int64_t tile) const {
    return memory + input_floats() + position * product_stride_ + tile * weights_.columns;
  }
  [[nodiscard]] float* scales(float* memory, std::int64_t tile) const {
    return memory + floats() - tiles_ + tile;
  }

 private:
  static constexpr std::int64_t kFloatBytes = sizeof(float);
  static constexpr std::int64_t kLine = 64;  // Bytes of a cache line.

  /// Elements between positions that have so many. The distance is no multiple of a page: a transform writes
  /// all positions at once, and they would compete for the same cache sets.
  static std::int64_t position_stride(std::int64_t numbers, std::int64_t bytes) {
    constexpr std::int64_t kPageBytes = 4096;
    constexpr std::int64_t kOffset = 5 * kLine;  // Odd, so that 36 positions lie in different sets of 64.
    return (round_up(numbers * bytes, kPageBytes) + kOffset) / bytes;
  }
  [[nodiscard]] std::int64_t input_floats() const {
    return weights_.positions() * input_stride_ * number_bytes_ / kFloatBytes;
  }

  const WinogradWeights& weights_;
  std::int64_t number_bytes_;
  std::int64_t input_stride_;
  std::int64_t product_stride_;
  std::int64_t tiles_;
};

/// Bytes of a tile's transformed inputs and products.
std::int64_t tile_bytes(const WinogradWeights& weights) {
  return weights.positions() * (weights.padded_in_channels * bytes_of(weights.format) +
                                weights.columns * std::int64_t{sizeof(float)});
}

/// Number of pieces that threads compute on their own, from input to output, in their second-level caches. 0
/// if the layer has too many weights, or too few tiles, for each piece to read all weights.
std::int64_t thread_piece_count(const WinogradWeights& weights, std::int64_t tiles, std::int64_t threads) {
  if (weights.piece_bytes == 0) {
    return 0;
  }
  const std::int64_t pieces = round_up(divide_up(tiles * tile_bytes(weights), weights.piece_bytes), threads);
  return tiles / pieces >= kFewestPieceTiles ? pieces : 0;
}

void run_in_pieces(Workers& workers, const WinogradTask& task, std::int64_t tiles, std::int64_t pieces) {
  const WinogradWeights& weights = *task.weights;
  const Strip strip(weights, divide_up(tiles, pieces));
  workers.reserve_thread_scratch(strip.floats());
  workers.pool().parallel_for_ranges(tiles, pieces, [&](std::int64_t first, std::int64_t last, int thread) {
    float* const memory = workers.thread_scratch(thread);
    winograd_input(task, first, last, strip.inputs(memory, 0, 0), strip.input_stride(),
                   strip.scales(memory, 0));
    for (std::int64_t position = 0; position < weights.positions(); ++position) {
      for (std::int64_t panel = 0; panel < weights.panels; ++panel) {
        winograd_product(task, position, panel, last - first, strip.inputs(memory, position, 0),
                         strip.products(memory, position, 0));
      }
    }
    winograd_output(task, first, last, strip.products(memory, 0, 0), strip.product_stride(),
                    strip.scales(memory, 0));
  });
}

/// Number of groups that tiles are divided into for transforms: a multiple of `threads` for enough work.
std::int64_t group_count(std::int64_t tiles, std::int64_t channels, std::int64_t threads) {
  const std::int64_t most = std::max(threads, tiles / kGroupTiles);
  const std::int64_t worth =
      task_count(Work::elements, tiles * channels * kTileElements, std::numeric_limits<std::int64_t>::max());
  return std::clamp<std::int64_t>(worth / threads * threads, 1, most);
}

/// Computes strips of the image one after the other. All threads do a strip's input transform together, then
/// its products, then its output transform.
void run_in_strips(Workers& workers, const WinogradTask& task, std::int64_t tiles) {
  const WinogradWeights& weights = *task.weights;
  const std::int64_t strips =
      std::clamp<std::int64_t>(divide_up(tiles * tile_bytes(weights), weights.strip_bytes), 1, tiles);
  const Strip strip(weights, divide_up(tiles, strips));
  float* const memory = workers.shared_scratch(strip.floats());
  ThreadPool& pool = workers.pool();
  for (std::int64_t s = 0; s < strips; ++s) {
    const IndexRange range = index_range(tiles, strips, s);
    const std::int64_t first = range.first;
    const std::int64_t count = range.size();
    const std::int64_t groups =
        group_count(count, std::max(weights.in_channels, weights.columns), pool.threads());
    const auto for_groups = [&](const auto& function) {
      pool.parallel_for_ranges(count, groups,
                               [&](std::int64_t from, std::int64_t to, int) { function(from, to); });
    };
    for_groups([&](std::int64_t from, std::int64_t to) {
      winograd_input(task, first + from, first + to, strip.inputs(memory, 0, from), strip.input_stride(),
                     strip.scales(memory, from));
    });
    const std::int64_t work = count * weights.in_channels * weights.columns / weights.panels;
    const std::int64_t blocks = task_count(Work::multiplications, work / kTasksPerPart, groups);
    pool.parallel_for(weights.positions() * weights.panels * blocks, [&](std::int64_t i, int) {
      const IndexRange block = index_range(count, blocks, i % blocks);
      const std::int64_t position = i / blocks / weights.panels;
      winograd_product(task, position, i / blocks % weights.panels, block.size(),
                       strip.inputs(memory, position, block.first),
                       strip.products(memory, position, block.first));
    });
    for_groups([&](std::int64_t from, std::int64_t to) {
      winograd_output(task, first + from, first + to, strip.products(memory, 0, from), strip.product_stride(),
                      strip.scales(memory, from));
    });
  }
}

}  // namespace

void run_winograd(Workers& workers, const WinogradTask& task) {
  const WinogradWeights& weights = *task.weights;
  const std::int64_t tiles =
      task.out.shape.n * weights.tile_count(task.out.shape.h) * weights.tile_count(task.out.shape.w);
  if (const std::int64_t pieces = thread_piece_count(weights, tiles, workers.pool().threads()); pieces > 0) {
    run_in_pieces(workers, task, tiles, pieces);
  } else {
    run_in_strips(workers, task, tiles);
  }
}

}  // namespace streamdiffusion::cpu
