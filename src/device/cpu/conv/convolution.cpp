#include "device/cpu/conv/convolution.h"

#include <algorithm>

#include "core/index_range.h"
#include "core/round_up.h"
#include "device/cpu/kernels.h"
#include "device/cpu/matrix/conv_output.h"
#include "device/cpu/reduced/reduced_layers.h"
#include "device/cpu/target.h"
#include "device/cpu/threads/task_size.h"

namespace streamdiffusion::cpu {

namespace {

Processor processor_of(const Workers& workers) {
  return {.lanes = panel_format().lanes,
          .multiplies_integers = multiplies_integers(),
          .features = workers.features(),
          .caches = workers.caches()};
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
  constexpr std::int64_t kMost = 96;  // 32x32 tokens make at least ten lines.
  // A thread that the system holds up then delays a quarter of its share.
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
  const std::int64_t wanted =
      task_count(Work::multiplications, work, workers.pool().threads() * kMostTasksPerThread);
  if (wanted <= 1) {
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      conv_task(task, panel, 0, lines, workers.thread_scratch(0));
    }
    return;
  }
  const std::int64_t blocks = std::min(lines, divide_up(wanted, panels));
  workers.pool().parallel_for(panels * blocks, [&](std::int64_t i, int thread) {
    const IndexRange block = index_range(lines, blocks, i % blocks);
    conv_task(task, i / blocks, block.first, block.last, workers.thread_scratch(thread));
  });
}

}  // namespace

PackedConv2d::PackedConv2d(Device& device, Workers& workers, const HostConv2d& host)
    : plan(plan_conv(host, processor_of(workers))) {
  if (plan.winograd) {
    winograd = std::make_unique<WinogradWeights>(device, workers.pool(), host, *plan.winograd);
  }
  if (plan.reduced) {
    reduced = std::make_unique<ReducedConv2d>(device, workers, host, *plan.reduced);
  }
  if (plan.narrow) {
    narrow = std::make_unique<NarrowConv2d>(device, host);
  }
  if (plan.direct) {
    direct = std::make_unique<PackedMatrix>(device, workers.pool(), host);
  }
}

PackedLinear::PackedLinear(Device& device, Workers& workers, const HostLinear& host) {
  if (const std::optional<Format> format = plan_linear(host, processor_of(workers))) {
    reduced = std::make_unique<ReducedMatrix>(device, workers, host, *format);
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

void convolve(Workers& workers, const NarrowConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out) {
  const NarrowConvTask task{&weights, x, out, options};
  workers.pool().parallel_for(out.shape.n * out.shape.h,
                              [&](std::int64_t line, int) { narrow_conv_line(task, line); });
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
  switch (weights.plan.algorithm(x.shape, options.padding, out.shape)) {
    case ConvAlgorithm::winograd:
      run_winograd(workers, {weights.winograd.get(), x, out, options, workers.features()});
      break;
    case ConvAlgorithm::reduced:
      convolve(workers, *weights.reduced, x, options, out);
      break;
    case ConvAlgorithm::narrow:
      convolve(workers, *weights.narrow, x, options, out);
      break;
    case ConvAlgorithm::direct:
      convolve(workers, *weights.direct, x, options, out);
      break;
  }
}

}  // namespace streamdiffusion::cpu
