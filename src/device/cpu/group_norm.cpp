#include "device/cpu/group_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/index_range.h"
#include "device/cpu/kernels.h"
#include "device/cpu/threads/task_size.h"

namespace streamdiffusion::cpu {

namespace {

// Most blocks of an image whose sums are computed apart: two for each of 16 threads.
constexpr std::int64_t kMostBlocks = 32;

/// A channel's sums, over all pixels of a batch row.
struct Sums {
  double values = 0;
  double squares = 0;
};

/// The moments of a group.
struct Moments {
  double mean;
  double inverse_deviation;
};

/// Normalises one tensor. Its images are divided into blocks of pixels, whose sums are computed apart.
class GroupNorm {
 public:
  GroupNorm(Workers& workers, const Tensor& x)
      : pool_(workers.pool()),
        x_(x),
        rows_(x.shape.n),
        pixels_(x.shape.h * x.shape.w),
        channels_(x.shape.c),
        // The blocks depend on the shape alone, as the sums are rounded.
        blocks_(task_count(Work::elements, pixels_ * channels_, std::min(pixels_, kMostBlocks))),
        sums_(workers.shared_scratch(rows_ * channels_ * (2 * blocks_ + 3))),
        origins_(sums_ + rows_ * blocks_ * 2 * channels_),
        factors_(origins_ + rows_ * channels_) {}

  /// Sums each channel of each block. Sums are of differences to the row's first pixel, which avoids
  /// cancellation where the mean is large.
  void sum_blocks() {
    for (std::int64_t row = 0; row < rows_; ++row) {
      const Tensor origin{origins_ + row * channels_, {.n = 1, .c = channels_}, channels_, DType::f32};
      convert(x_.pixels(row * pixels_, 1), origin);
    }
    pool_.parallel_for(rows_ * blocks_, [&](std::int64_t i, int) {
      float* const sums = sums_ + i * 2 * channels_;
      channel_sums(block_of(x_, i), origins_ + i / blocks_ * channels_, sums, sums + channels_);
    });
  }

  /// Computes the scale and the shift of each channel from its group's moments.
  void find_factors(std::int64_t groups, std::span<const float> gain, std::span<const float> shift,
                    float epsilon) {
    for (std::int64_t row = 0; row < rows_; ++row) {
      float* const scales = factors_ + row * 2 * channels_;
      for (std::int64_t group = 0; group < groups; ++group) {
        const IndexRange channels = index_range(channels_, groups, group);
        const Moments moments = moments_of(row, channels, epsilon);
        for (std::int64_t c = channels.first; c < channels.last; ++c) {
          const auto i = static_cast<std::size_t>(c);
          const double scale = moments.inverse_deviation * gain[i];
          scales[c] = static_cast<float>(scale);
          scales[channels_ + c] = static_cast<float>(shift[i] - moments.mean * scale);
        }
      }
    }
  }

  /// Writes the normalised values with the activation.
  void write(Activation activation, const Tensor& out) {
    pool_.parallel_for(rows_ * blocks_, [&](std::int64_t i, int) {
      const float* const scales = factors_ + i / blocks_ * 2 * channels_;
      scale_shift(block_of(x_, i), scales, scales + channels_, activation, block_of(out, i));
    });
  }

 private:
  /// Returns block `index`, counted over all rows, of `x` or of the output.
  [[nodiscard]] Tensor block_of(const Tensor& tensor, std::int64_t index) const {
    const IndexRange block = index_range(pixels_, blocks_, index % blocks_);
    return tensor.pixels(index / blocks_ * pixels_ + block.first, block.size());
  }

  [[nodiscard]] Moments moments_of(std::int64_t row, const IndexRange& channels, float epsilon) const {
    const auto count = static_cast<double>(pixels_);
    double mean = 0;
    double second = 0;
    for (std::int64_t c = channels.first; c < channels.last; ++c) {
      const Sums sums = add_blocks(row, c);
      const double delta = sums.values / count;
      const double channel_mean = origins_[row * channels_ + c] + delta;
      second += sums.squares / count - delta * delta + channel_mean * channel_mean;
      mean += channel_mean;
    }
    mean /= static_cast<double>(channels.size());
    const double variance = std::max(0.0, second / static_cast<double>(channels.size()) - mean * mean);
    return {mean, 1.0 / std::sqrt(variance + static_cast<double>(epsilon))};
  }

  /// Returns the sums of a channel over all blocks of a row.
  [[nodiscard]] Sums add_blocks(std::int64_t row, std::int64_t channel) const {
    Sums total;
    const float* sums = sums_ + row * blocks_ * 2 * channels_ + channel;
    for (std::int64_t block = 0; block < blocks_; ++block) {
      total.values += sums[0];
      total.squares += sums[channels_];
      sums += 2 * channels_;
    }
    return total;
  }

  ThreadPool& pool_;
  const Tensor& x_;
  std::int64_t rows_;
  std::int64_t pixels_;  // Pixels of a row.
  std::int64_t channels_;
  std::int64_t blocks_;  // Blocks of a row.
  float* sums_;          // Sums, then sums of squares: [row][block][2][channel].
  float* origins_;       // The first pixel of each row: [row][channel].
  float* factors_;       // Scales and shifts: [row][2][channel].
};

}  // namespace

void group_norm(Workers& workers, const Tensor& x, std::span<const float> gain, std::span<const float> shift,
                std::int64_t groups, float epsilon, Activation activation, const Tensor& out) {
  GroupNorm norm(workers, x);
  norm.sum_blocks();
  norm.find_factors(groups, gain, shift, epsilon);
  norm.write(activation, out);
}

}  // namespace streamdiffusion::cpu
