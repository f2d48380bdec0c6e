#include "device/cpu/conv/convolution.h"

#include <algorithm>

#include "core/round_up.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matrix/conv_output.h"
#include "device/cpu/reduced/reduced_layers.h"
#include "device/cpu/target.h"

namespace streamdiffusion::cpu {

namespace {

// Fewest multiplications for which a further task is worth its overhead.
constexpr std::int64_t kTaskWork = 200'000;

// Smallest images, in output pixels, for Winograd's algorithm. In smaller ones, the innermost of a small
// model, reading the transformed weights costs more than is saved: 4x4 tiles have four times the weights, 2x2
// tiles less than twice.
constexpr std::int64_t kFewestPixels = 64;
constexpr std::int64_t kFewestPixelsOfSmallTiles = 16;
// Largest input channels * output channels of a layer that may see smaller images and is packed for direct
// convolution, too.
constexpr std::int64_t kMaxChannelProductPackedTwice = 80'000;

/// True if the layer will mostly see images that are too small for 4x4 tiles but not for 2x2 tiles.
bool needs_small_tiles(const HostConv2d& host) {
  const std::int64_t pixels = host.typical_size * host.typical_size;
  return pixels >= kFewestPixelsOfSmallTiles && pixels < kFewestPixels && host.resample == Resample::none &&
         host.precision == Precision::f32 &&
         host.in_channels * host.out_channels <= kMaxChannelProductPackedTwice;
}

/// Returns the smallest image, in pixels, for which Winograd's algorithm is faster than direct convolution in
/// reduced precision. It reads eight times as many bytes of weights.
std::int64_t min_winograd_pixels_with_reduced(const HostConv2d& host) {
  return host.in_channels * host.out_channels <= kMaxChannelProductPackedTwice ? 256 : 1024;
}

/// True if a layer in reduced precision gets faster by Winograd's algorithm in the next higher precision.
/// That precision makes up for the algorithm's larger rounding errors.
bool gains_by_winograd(const Features& features, const HostConv2d& host) {
  // With AMX the direct products are faster.
  if (!multiplies_integers() || features.amx ||
      host.typical_size * host.typical_size < min_winograd_pixels_with_reduced(host)) {
    return false;
  }
  if (host.resample == Resample::up) {
    return host.precision == Precision::int16 && WinogradWeights::has_phases(host);
  }
  return WinogradWeights::is_worth_memory(host, true);
}

WinogradFormat winograd_format(const Features& features, const HostConv2d& host) {
  switch (host.precision) {
    case Precision::int8:
      return features.bf16 ? WinogradFormat::bf16 : WinogradFormat::int16;
    case Precision::int16:
      return multiplies_integers() && WinogradWeights::has_phases(host) ? WinogradFormat::int16
                                                                        : WinogradFormat::f32;
    case Precision::bf16:
    case Precision::f32:
      return WinogradFormat::f32;
  }
  return WinogradFormat::f32;
}

ConvTask make_task(const PackedMatrix& matrix, const Tensor& residual, Activation activation,
                   const Tensor& out) {
  ConvTask task;
  set_task_output(task, matrix.columns, residual, activation, out);
  task.weights = matrix.weights();
  task.half_weights = matrix.half_weights();
  task.bias = matrix.bias();
  task.in_channels = matrix.in_channels;
  return task;
}

/// Returns how many pixels of a matrix product form one line, so that each thread gets a few lines. It is a
/// multiple of 24, which makes nearly full tiles at every panel width: 4 of 6 rows, 3 of 8 or 2 of 12.
std::int64_t line_pixels(std::int64_t pixels, std::int64_t panels, std::int64_t threads) {
  constexpr std::int64_t kTiles = 24;
  constexpr std::int64_t kMost = 96;
  constexpr std::int64_t kLinesEach = 4;
  return std::clamp(pixels * panels / (threads * kLinesEach) / kTiles * kTiles, kTiles, kMost);
}

void set_matrix_product(ConvTask& task, const float* x, std::int64_t stride, std::int64_t width) {
  task.x = x;
  task.in_stride = stride;
  task.in_h = task.out_h = divide_up(task.out_pixels, width);
  task.in_w = task.out_w = task.out_pitch = width;
}

void run(Workers& workers, const ConvTask& task, std::int64_t lines, std::int64_t panels) {
  const std::int64_t work = task.out_pixels * task.columns * task.kernel * task.kernel * task.in_channels;
  workers.reserve_thread_scratch(conv_scratch(task));
  const std::int64_t wanted = std::min<std::int64_t>(work / kTaskWork, workers.pool().threads() * 8);
  if (wanted <= 1) {
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      conv_task(task, panel, 0, lines, workers.thread_scratch(0));
    }
    return;
  }
  const std::int64_t blocks = std::min(lines, divide_up(wanted, panels));
  workers.pool().parallel_for(panels * blocks, [&](std::int64_t i, int thread) {
    const std::int64_t block = i % blocks;
    conv_task(task, i / blocks, lines * block / blocks, lines * (block + 1) / blocks,
              workers.thread_scratch(thread));
  });
}

}  // namespace

PackedConv2d::PackedConv2d(Device& device, Workers& workers, const HostConv2d& host) {
  ThreadPool& pool = workers.pool();
  if (ReducedMatrix::is_faster_for(workers.features(), host)) {
    reduced = std::make_unique<ReducedConv2d>(device, workers, host);
    if (gains_by_winograd(workers.features(), host)) {
      winograd =
          std::make_unique<WinogradWeights>(device, pool, host, winograd_format(workers.features(), host));
      min_winograd_pixels = min_winograd_pixels_with_reduced(host);
    }
  } else if (WinogradWeights::is_worth_memory(host, false)) {
    const bool small = needs_small_tiles(host);
    winograd =
        std::make_unique<WinogradWeights>(device, pool, host, winograd_format(workers.features(), host),
                                          small ? WinogradTile::two : WinogradTile::four);
    // With phases the output must be exactly twice the input; other sizes need `direct`.
    if (host.in_channels * host.out_channels <= kMaxChannelProductPackedTwice || winograd->phases > 1) {
      direct = std::make_unique<PackedMatrix>(device, pool, host);
      min_winograd_pixels = small ? kFewestPixelsOfSmallTiles : kFewestPixels;
    }
  } else if (NarrowConv2d::supports_layer(host)) {
    narrow = std::make_unique<NarrowConv2d>(device, host);
    if (narrow->scale > 1) {
      direct = std::make_unique<PackedMatrix>(device, pool, host);
    }
  } else {
    direct = std::make_unique<PackedMatrix>(device, pool, host);
  }
}

PackedLinear::PackedLinear(Device& device, Workers& workers, const HostLinear& host) {
  if (ReducedMatrix::is_faster_for(workers.features(), host)) {
    reduced = std::make_unique<ReducedMatrix>(device, workers, host);
  } else {
    direct = std::make_unique<PackedMatrix>(device, workers.pool(), host);
  }
}

namespace {

/// Returns `x` itself if it is float32, else a float32 copy in the workers' shared memory.
Tensor convert_to_f32(Workers& workers, const Tensor& x) {
  if (x.dtype == DType::f32) {
    return x;
  }
  const Tensor copy{workers.shared_scratch(x.shape.elements()), x.shape, x.shape.c, DType::f32};
  workers.pool().parallel_for(x.shape.n * x.shape.h, [&](std::int64_t line, int) {
    convert(x.pixels(line * x.shape.w, x.shape.w), copy.pixels(line * x.shape.w, x.shape.w));
  });
  return copy;
}

void multiply(Workers& workers, const PackedMatrix& weights, const Tensor& input,
              const LinearOptions& options, const Tensor& out) {
  const Tensor x = convert_to_f32(workers, input);
  ConvTask task = make_task(weights, options.residual, options.activation, out);
  const std::int64_t panels = weights.columns.panels();
  set_matrix_product(task, x.as<const float>(), x.stride,
                     line_pixels(task.out_pixels, panels, workers.pool().threads()));
  run(workers, task, task.out_h, panels);
}

void convolve(Workers& workers, const PackedMatrix& matrix, const Tensor& input, const Conv2dOptions& options,
              const Tensor& out) {
  if (matrix.kernel == 1 && matrix.resample == Resample::none && options.row_bias.empty()) {
    multiply(workers, matrix, input, {options.residual, options.activation}, out);
    return;
  }
  const Tensor x = convert_to_f32(workers, input);
  ConvTask task = make_task(matrix, options.residual, options.activation, out);
  set_task_geometry(task, matrix.kernel, matrix.resample, x, options, out);
  task.x = x.as<const float>();
  task.in_stride = x.stride;
  run(workers, task, out.shape.n * out.shape.h, matrix.columns.panels());
}

}  // namespace

void multiply(Workers& workers, const PackedLinear& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out) {
  if (weights.reduced) {
    multiply(workers, *weights.reduced, x, options, out);
  } else {
    multiply(workers, *weights.direct, x, options, out);
  }
}

void convolve(Workers& workers, const PackedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out) {
  if (weights.uses_winograd(x.shape, options.padding, out.shape)) {
    run_winograd(workers, {weights.winograd.get(), x, out, options, workers.features()});
    return;
  }
  if (weights.reduced) {
    convolve(workers, *weights.reduced, x, options, out);
    return;
  }
  if (weights.narrow && weights.narrow->supports_sizes(x.shape, options.padding, out.shape)) {
    const NarrowConvTask task{weights.narrow.get(), x, out, options};
    workers.pool().parallel_for(out.shape.n * out.shape.h,
                                [&](std::int64_t line, int) { narrow_conv_line(task, line); });
    return;
  }
  convolve(workers, *weights.direct, x, options, out);
}

}  // namespace streamdiffusion::cpu
