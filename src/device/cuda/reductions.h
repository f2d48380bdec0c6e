#pragma once

#include "device/cuda/elements.h"

// Reductions, in which the threads of a block cooperate. In each phase every thread of a block calls `run`; a
// barrier separates the phases. Threads exchange values in `shared`.
namespace streamdiffusion::cuda {

struct BlockIndex {
  std::uint32_t x;
  std::uint32_t y;
};

/// The arrangement of a block's threads over packs of channels and over pixels.
struct BlockLanes {
  std::uint32_t columns;  ///< Threads on neighbouring packs of channels.
  std::uint32_t lanes;    ///< Pixels at a time.

  STREAMDIFFUSION_HD static BlockLanes divide(std::uint32_t threads, std::uint32_t columns) {
    const std::uint32_t side = columns < threads ? columns : threads;
    return {side, threads / side};
  }
};

/// Returns the sum of the partial sums of a block's threads.
STREAMDIFFUSION_HD inline float total(const float* values, std::uint32_t count) {
  float sum = 0.0F;
  for (std::uint32_t i = 0; i < count; ++i) {
    sum += values[i];
  }
  return sum;
}

/// Returns the first pixel of part `part` if the pixels of a row are divided into `parts`.
STREAMDIFFUSION_HD inline std::int64_t part_begin(std::int64_t pixels, std::uint32_t part,
                                                  std::uint32_t parts) {
  return pixels * part / parts;
}

/// The pixels of a row that one lane of a block visits.
struct LanePixels {
  std::uint32_t lane;
  std::int64_t first;
  std::int64_t last;  ///< The pixel after the block's last one.
  std::int64_t step;
};

/// Calls visit(column, lane_pixels) for each pack of channels that a thread of a block visits. A row's pixels
/// are divided among its blocks, and those of block number `block` among the block's lanes.
template <std::uint32_t kThreads, typename Visit>
STREAMDIFFUSION_HD void for_columns(std::uint32_t thread, std::uint32_t columns, std::int64_t pixels,
                                    std::uint32_t block, std::uint32_t blocks, const Visit& visit) {
  const BlockLanes side = BlockLanes::divide(kThreads, columns);
  const std::uint32_t lane = thread / side.columns;
  if (lane >= side.lanes) {
    return;
  }
  const LanePixels lane_pixels{lane, part_begin(pixels, block, blocks) + lane,
                               part_begin(pixels, block + 1, blocks), side.lanes};
  for (std::uint32_t column = thread % side.columns; column < columns; column += side.columns) {
    visit(column, lane_pixels);
  }
}

/// Computes, for each group of channels and each block's pixels, the sums of values and of squares.
///
/// It sums differences to the group's first element in the row, which avoids cancellation in the variance.
/// Block (x, y) computes part x of row y.
template <typename T, int V>
struct GroupNormSums {
  static constexpr int kPhases = 2;
  static constexpr std::uint32_t kThreads = 256;

  View<T> x;
  std::int64_t pixels;    // pixels in a row
  std::uint32_t columns;  // packs in a pixel
  std::uint32_t groups;
  std::uint32_t group_channels;
  std::uint32_t blocks;  // blocks for a row
  float* sums;           // [row][block][group][2]

  [[nodiscard]] std::uint32_t shared_floats() const {
    return BlockLanes::divide(kThreads, columns).lanes * columns * V * 2;
  }

  STREAMDIFFUSION_HD void run(int phase, BlockIndex block, std::uint32_t thread, float* shared) const {
    if (phase == 0) {
      add_channels(block, thread, shared);
    } else {
      add_groups(block, thread, shared);
    }
  }

 private:
  STREAMDIFFUSION_HD void add_channels(BlockIndex block, std::uint32_t thread, float* shared) const {
    const std::int64_t row = block.y * pixels;
    const auto visit = [&](std::uint32_t column, const LanePixels& lane_pixels) {
      float reference[V];
      float sum[V];
      float square[V];
      for (int v = 0; v < V; ++v) {
        const std::uint32_t group = (column * V + v) / group_channels;
        reference[v] = to_float(x.data[row * x.stride + group * group_channels]);
        sum[v] = square[v] = 0.0F;
      }
      for (std::int64_t pixel = lane_pixels.first; pixel < lane_pixels.last; pixel += lane_pixels.step) {
        const Pack<T, V> pack = x.template load<V>(row + pixel, column * V);
        for (int v = 0; v < V; ++v) {
          const float difference = to_float(pack.values[v]) - reference[v];
          sum[v] += difference;
          square[v] += difference * difference;
        }
      }
      float* const out = shared + (lane_pixels.lane * columns + column) * V * 2;
      for (int v = 0; v < V; ++v) {
        out[v * 2] = sum[v];
        out[v * 2 + 1] = square[v];
      }
    };
    for_columns<kThreads>(thread, columns, pixels, block.x, blocks, visit);
  }

  STREAMDIFFUSION_HD void add_groups(BlockIndex block, std::uint32_t thread, const float* shared) const {
    const std::uint32_t lanes = BlockLanes::divide(kThreads, columns).lanes;
    for (std::uint32_t group = thread; group < groups; group += kThreads) {
      float sum = 0.0F;
      float square = 0.0F;
      for (std::uint32_t lane = 0; lane < lanes; ++lane) {
        const float* const in = shared + (lane * columns * V + group * group_channels) * 2;
        for (std::uint32_t channel = 0; channel < group_channels; ++channel) {
          sum += in[channel * 2];
          square += in[channel * 2 + 1];
        }
      }
      float* const out = sums + ((std::int64_t{block.y} * blocks + block.x) * groups + group) * 2;
      out[0] = sum;
      out[1] = square;
    }
  }
};

/// Normalises with the sums of GroupNormSums, then applies gain, shift and activation. The blocks are the
/// same.
template <typename T, int V>
struct GroupNormApply {
  static constexpr int kPhases = 2;
  static constexpr std::uint32_t kThreads = 256;

  View<T> x;
  View<T> out;
  std::int64_t pixels;
  std::uint32_t columns;
  std::uint32_t groups;
  std::uint32_t group_channels;
  std::uint32_t blocks;
  const float* sums;
  const float* gain;
  const float* shift;
  float epsilon;
  Activation activation;

  [[nodiscard]] std::uint32_t shared_floats() const { return groups * 2; }

  STREAMDIFFUSION_HD void run(int phase, BlockIndex block, std::uint32_t thread, float* shared) const {
    if (phase == 0) {
      find_moments(block, thread, shared);
    } else {
      apply(block, thread, shared);
    }
  }

 private:
  /// Computes the mean and 1 / standard deviation of each group.
  STREAMDIFFUSION_HD void find_moments(BlockIndex block, std::uint32_t thread, float* shared) const {
    const auto count = static_cast<float>(pixels * group_channels);
    for (std::uint32_t group = thread; group < groups; group += kThreads) {
      float sum = 0.0F;
      float square = 0.0F;
      for (std::uint32_t part = 0; part < blocks; ++part) {
        const float* const in = sums + ((std::int64_t{block.y} * blocks + part) * groups + group) * 2;
        sum += in[0];
        square += in[1];
      }
      const float delta = sum / count;
      const float variance = fmaxf(square / count - delta * delta, 0.0F);
      shared[group * 2] = to_float(x.data[block.y * pixels * x.stride + group * group_channels]) + delta;
      shared[group * 2 + 1] = 1.0F / sqrtf(variance + epsilon);
    }
  }

  STREAMDIFFUSION_HD void apply(BlockIndex block, std::uint32_t thread, const float* shared) const {
    const std::int64_t row = block.y * pixels;
    const auto visit = [&](std::uint32_t column, const LanePixels& lane_pixels) {
      float mean[V];
      float factor[V];
      float offset[V];
      for (int v = 0; v < V; ++v) {
        const std::uint32_t channel = column * V + v;
        const std::uint32_t group = channel / group_channels;
        mean[v] = shared[group * 2];
        factor[v] = shared[group * 2 + 1] * gain[channel];
        offset[v] = shift[channel];
      }
      for (std::int64_t pixel = lane_pixels.first; pixel < lane_pixels.last; pixel += lane_pixels.step) {
        Pack<T, V> pack = x.template load<V>(row + pixel, column * V);
        for (int v = 0; v < V; ++v) {
          const float value = (to_float(pack.values[v]) - mean[v]) * factor[v] + offset[v];
          pack.values[v] = from_float<T>(activate(activation, value));
        }
        out.template store<V>(row + pixel, column * V, pack);
      }
    };
    for_columns<kThreads>(thread, columns, pixels, block.x, blocks, visit);
  }
};

/// Normalises over the channels of each token, then applies gain and shift. A block computes kTokens tokens
/// with kLanes threads each.
template <typename T, int V>
struct LayerNorm {
  static constexpr int kPhases = 3;
  static constexpr std::uint32_t kThreads = 128;
  static constexpr std::uint32_t kLanes = 32;
  static constexpr std::uint32_t kTokens = kThreads / kLanes;

  View<T> x;
  View<T> out;
  std::int64_t tokens;
  std::uint32_t columns;
  const float* gain;
  const float* shift;
  float epsilon;

  [[nodiscard]] static std::uint32_t shared_floats() { return kThreads * 2; }

  STREAMDIFFUSION_HD void run(int phase, BlockIndex block, std::uint32_t thread, float* shared) const {
    const std::int64_t token = std::int64_t{block.x} * kTokens + thread / kLanes;
    if (token >= tokens) {
      return;
    }
    float* const sums = shared + thread / kLanes * kLanes;
    float* const squares = sums + kThreads;
    const std::uint32_t lane = thread % kLanes;
    const auto channels = static_cast<float>(columns * V);
    if (phase == 0) {
      sums[lane] = add(token, lane, [](float value) { return value; });
      return;
    }
    const float mean = total(sums, kLanes) / channels;
    if (phase == 1) {
      squares[lane] = add(token, lane, [mean](float value) { return (value - mean) * (value - mean); });
      return;
    }
    const float factor = 1.0F / sqrtf(total(squares, kLanes) / channels + epsilon);
    for (std::uint32_t column = lane; column < columns; column += kLanes) {
      Pack<T, V> pack = x.template load<V>(token, column * V);
      for (int v = 0; v < V; ++v) {
        const std::uint32_t channel = column * V + v;
        pack.values[v] =
            from_float<T>((to_float(pack.values[v]) - mean) * factor * gain[channel] + shift[channel]);
      }
      out.template store<V>(token, column * V, pack);
    }
  }

 private:
  template <typename Value>
  STREAMDIFFUSION_HD float add(std::int64_t token, std::uint32_t lane, const Value& value) const {
    float sum = 0.0F;
    for (std::uint32_t column = lane; column < columns; column += kLanes) {
      const Pack<T, V> pack = x.template load<V>(token, column * V);
      for (const T& element : pack.values) {
        sum += value(to_float(element));
      }
    }
    return sum;
  }
};

/// Computes the softmax of one line of scores in each block. Lines are ordered by head, then by query.
template <typename T>
struct Softmax {
  static constexpr int kPhases = 3;
  static constexpr std::uint32_t kThreads = 128;

  const float* scores;  // [line][stride]
  T* out;               // [line][stride]
  std::int64_t keys;
  std::int64_t stride;
  std::int64_t queries;      // lines of each head
  std::int64_t first_query;  // query of each head's first line
  bool causal;               // query i sees keys up to i

  [[nodiscard]] static std::uint32_t shared_floats() { return kThreads * 2; }

  STREAMDIFFUSION_HD void run(int phase, BlockIndex block, std::uint32_t thread, float* shared) const {
    const std::int64_t line = block.x;
    const std::int64_t query = first_query + line % queries;
    const std::int64_t seen = causal && query + 1 < keys ? query + 1 : keys;
    const float* const in = scores + line * stride;
    if (phase == 0) {
      float most = -INFINITY;
      for (std::int64_t key = thread; key < seen; key += kThreads) {
        most = fmaxf(most, in[key]);
      }
      shared[thread] = most;
      return;
    }
    float most = shared[0];
    for (std::uint32_t i = 1; i < kThreads; ++i) {
      most = fmaxf(most, shared[i]);
    }
    float* const sums = shared + kThreads;
    if (phase == 1) {
      float sum = 0.0F;
      for (std::int64_t key = thread; key < seen; key += kThreads) {
        sum += expf(in[key] - most);
      }
      sums[thread] = sum;
      return;
    }
    const float sum = total(sums, kThreads);
    for (std::int64_t key = thread; key < keys; key += kThreads) {
      out[line * stride + key] = from_float<T>(key < seen ? expf(in[key] - most) / sum : 0.0F);
    }
  }
};

/// Computes the sums of x * y, x * x and y * y over each block's elements. The host adds up the blocks.
template <typename T>
struct DotProducts {
  static constexpr int kPhases = 2;
  static constexpr std::uint32_t kThreads = 256;

  const T* x;
  const T* y;
  std::int64_t count;
  std::uint32_t blocks;
  float* sums;  // [block][3]

  [[nodiscard]] static std::uint32_t shared_floats() { return kThreads * 3; }

  STREAMDIFFUSION_HD void run(int phase, BlockIndex block, std::uint32_t thread, float* shared) const {
    if (phase == 0) {
      float products[3] = {};
      for (std::int64_t i = std::int64_t{block.x} * kThreads + thread; i < count;
           i += std::int64_t{blocks} * kThreads) {
        const float a = to_float(x[i]);
        const float b = to_float(y[i]);
        products[0] += a * b;
        products[1] += a * a;
        products[2] += b * b;
      }
      for (std::uint32_t i = 0; i < 3; ++i) {
        shared[i * kThreads + thread] = products[i];
      }
    } else if (thread < 3) {
      sums[block.x * 3 + thread] = total(shared + thread * kThreads, kThreads);
    }
  }
};

}  // namespace streamdiffusion::cuda
