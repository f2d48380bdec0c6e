#include "device/cpu/winograd.h"

#include <algorithm>

#include "device/cpu/kernels.h"

namespace streamdiffusion::cpu {

namespace {

std::int64_t divide_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }

std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return divide_up(n, multiple) * multiple; }

// By its channels a layer is worth the memory or not. Those with more weights gain little: they lie deep in a
// network, where tiles are few and reading the weights is what takes the time. Beside weights in 8 or 16
// bits, which take an eighth of the memory, there is less to be gained.
constexpr std::int64_t kFewestChannels = 32;
constexpr std::int64_t kMostWeights = std::int64_t{640} * 640;
constexpr std::int64_t kMostWeightsBesideReduced = std::int64_t{320} * 960;
// Phases take four times the memory again.
constexpr std::int64_t kMostPhaseWeights = std::int64_t{64} * 64;

// Transformed inputs and products that are in flight together: in the second-level cache where a thread works
// on its own,
constexpr std::int64_t kPieceBytes = std::int64_t{640} << 10U;
// with weights that share it,
constexpr std::int64_t kMostPieceWeightBytes = std::int64_t{720} << 10U;
// and tiles that are worth reading them for;
constexpr std::int64_t kFewestPieceTiles = 24;
// in the last-level cache where all work together.
constexpr std::int64_t kStripBytes = std::int64_t{12} << 20U;
constexpr std::int64_t kGroupTiles = 16;
// Channels of tiles that are worth handing to another thread to be transformed.
constexpr std::int64_t kGroupChannels = 300;
// Multiplications that are worth a task of their own.
constexpr std::int64_t kTaskWork = 2'000'000;

}  // namespace

bool WinogradWeights::suits(const HostConv2d& host, bool beside) {
  return host.kernel == 3 && host.resample != Resample::down &&
         std::min(host.in_channels, host.out_channels) >= kFewestChannels &&
         host.in_channels * host.out_channels <= (beside ? kMostWeightsBesideReduced : kMostWeights);
}

namespace {

std::int64_t bytes_of(DType type) { return static_cast<std::int64_t>(size_of(type)); }

/// Numbers of one column that lie together, as one instruction multiplies them.
std::int64_t together(DType type) { return type == DType::bf16 ? 2 : 1; }

}  // namespace

WinogradWeights::WinogradWeights(Device& device, ThreadPool& pool, const HostConv2d& host, DType number_type)
    : type(number_type),
      in_channels(host.in_channels),
      out_channels(host.out_channels),
      padded_in_channels(round_up(in_channels, panel_format().lanes)),
      padded_out_channels(round_up(out_channels, panel_format().lanes)),
      resample(host.resample),
      phases(resample == Resample::up && type == DType::f32 && in_channels * out_channels <= kMostPhaseWeights
                 ? 4
                 : 1),
      columns(phases * padded_out_channels) {
  const PanelFormat format = panel_format();
  const std::int64_t unit = together(type);
  const std::int64_t rows = round_up(in_channels, unit);
  panels = divide_up(columns, format.columns);
  position_numbers = columns * rows;
  weights = device.allocate(static_cast<std::size_t>(position_numbers * kWinogradPositions) * size_of(type));
  const Elements packed{weights.data(), type};

  pool.parallel_for(panels, [&](std::int64_t panel, int) {
    const std::int64_t first = panel * format.columns;
    const std::int64_t width = std::min(format.columns, columns - first);
    for (std::int64_t in = 0; in < rows; ++in) {
      for (std::int64_t column = 0; column < width; ++column) {
        float values[kWinogradPositions] = {};
        const std::int64_t out = (first + column) % padded_out_channels;
        if (out < out_channels && in < in_channels) {
          const float* const filter = host.weight.data() + (out * in_channels + in) * 9;
          if (phases == 1) {
            winograd_filter(filter, values);
          } else {
            winograd_phase_filter(filter, (first + column) / padded_out_channels, values);
          }
        }
        const std::int64_t place = first * rows + (in / unit * width + column) * unit + in % unit;
        for (std::int64_t position = 0; position < kWinogradPositions; ++position) {
          set(packed + (position * position_numbers + place), values[position]);
        }
      }
    }
  });

  if (!host.bias.empty()) {
    bias = device.allocate(static_cast<std::size_t>(padded_out_channels) * sizeof(float));
    auto* values = static_cast<float*>(bias.data());
    std::fill_n(values, padded_out_channels, 0.0F);
    std::copy(host.bias.begin(), host.bias.end(), values);
  }
}

namespace {

/// Where transformed inputs and products of some tiles lie.
class Strip {
 public:
  Strip(const WinogradWeights& weights, std::int64_t tiles)
      : input_stride(position_stride(tiles * weights.padded_in_channels, weights.type)),
        product_stride(position_stride(tiles * weights.columns, DType::f32)),
        type_(weights.type) {}

  const std::int64_t input_stride;  ///< numbers from one position to the next
  const std::int64_t product_stride;

  [[nodiscard]] std::int64_t floats() const { return input_floats() + kWinogradPositions * product_stride; }
  [[nodiscard]] Elements inputs(float* memory) const { return {memory, type_}; }
  [[nodiscard]] float* products(float* memory) const { return memory + input_floats(); }

 private:
  /// Not a multiple of a page, so that the 36 streams that a transform writes do not compete for the same
  /// cache sets.
  static std::int64_t position_stride(std::int64_t numbers, DType type) {
    constexpr std::int64_t kPageBytes = 4096;
    constexpr std::int64_t kOffset = 320;  // five cache lines
    return (round_up(numbers * bytes_of(type), kPageBytes) + kOffset) / bytes_of(type);
  }
  [[nodiscard]] std::int64_t input_floats() const {
    return kWinogradPositions * input_stride * bytes_of(type_) / bytes_of(DType::f32);
  }

  DType type_;
};

/// Of transformed inputs and products.
std::int64_t tile_bytes(const WinogradWeights& weights) {
  return kWinogradPositions *
         (weights.padded_in_channels * bytes_of(weights.type) + weights.columns * bytes_of(DType::f32));
}

/// How many pieces each thread may compute on its own, from input to output, with all that lies between in
/// its second-level cache; 0: the layer has too many weights, or too few tiles, for each to read them.
std::int64_t own_pieces(const WinogradWeights& weights, std::int64_t tiles, std::int64_t threads) {
  const std::int64_t pieces = round_up(divide_up(tiles * tile_bytes(weights), kPieceBytes), threads);
  const bool few_weights =
      kWinogradPositions * weights.position_numbers * bytes_of(weights.type) <= kMostPieceWeightBytes;
  return few_weights && tiles / pieces >= kFewestPieceTiles ? pieces : 0;
}

void run_in_pieces(Workers& workers, const WinogradTask& task, std::int64_t tiles, std::int64_t pieces) {
  const WinogradWeights& weights = *task.weights;
  const Strip strip(weights, divide_up(tiles, pieces));
  workers.prepare(strip.floats());
  workers.pool().parallel_for(pieces, [&](std::int64_t i, int thread) {
    const std::int64_t first = tiles * i / pieces;
    const std::int64_t last = tiles * (i + 1) / pieces;
    const Elements inputs = strip.inputs(workers.own(thread));
    float* const products = strip.products(workers.own(thread));
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

/// Into how many groups tiles are divided to be transformed: some for each thread if that is worth it.
std::int64_t group_count(std::int64_t tiles, std::int64_t channels, std::int64_t threads) {
  const std::int64_t worth = tiles * channels / kGroupChannels / threads * threads;
  return std::clamp<std::int64_t>(worth, 1, std::max(threads, tiles / kGroupTiles));
}

/// All threads at a strip of the picture, one step after the other.
void run_in_strips(Workers& workers, const WinogradTask& task, std::int64_t tiles) {
  const WinogradWeights& weights = *task.weights;
  const std::int64_t strips =
      std::clamp<std::int64_t>(divide_up(tiles * tile_bytes(weights), kStripBytes), 1, tiles);
  const Strip strip(weights, divide_up(tiles, strips));
  float* const memory = workers.shared(strip.floats());
  const Elements inputs = strip.inputs(memory);
  float* const products = strip.products(memory);
  ThreadPool& pool = workers.pool();
  for (std::int64_t s = 0; s < strips; ++s) {
    const std::int64_t first = tiles * s / strips;
    const std::int64_t count = tiles * (s + 1) / strips - first;
    const std::int64_t groups =
        group_count(count, std::max(weights.in_channels, weights.columns), pool.threads());
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
    const std::int64_t work = count * weights.in_channels * weights.columns / weights.panels;
    const std::int64_t blocks = std::clamp<std::int64_t>(work / kTaskWork, 1, groups);
    pool.parallel_for(kWinogradPositions * weights.panels * blocks, [&](std::int64_t i, int) {
      const std::int64_t from = count * (i % blocks) / blocks;
      const std::int64_t to = count * (i % blocks + 1) / blocks;
      const std::int64_t position = i / blocks / weights.panels;
      winograd_product(weights, position, i / blocks % weights.panels, to - from,
                       inputs + (position * strip.input_stride + from * weights.padded_in_channels),
                       products + position * strip.product_stride + from * weights.columns);
    });
    for_groups([&](std::int64_t from, std::int64_t to) {
      winograd_output(task, first + from, first + to, products + from * weights.columns,
                      strip.product_stride);
    });
  }
}

}  // namespace

void run_winograd(Workers& workers, const WinogradTask& task) {
  const WinogradWeights& weights = *task.weights;
  const std::int64_t tiles =
      task.out.shape.n * weights.tiles(task.out.shape.h) * weights.tiles(task.out.shape.w);
  if (const std::int64_t pieces = own_pieces(weights, tiles, workers.pool().threads()); pieces > 0) {
    run_in_pieces(workers, task, tiles, pieces);
  } else {
    run_in_strips(workers, task, tiles);
  }
}

}  // namespace streamdiffusion::cpu
