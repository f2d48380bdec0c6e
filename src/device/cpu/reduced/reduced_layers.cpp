#include "device/cpu/reduced/reduced_layers.h"

#include <cstring>

#include "core/index_range.h"
#include "core/round_up.h"
#include "device/cpu/simd/amx.h"

namespace streamdiffusion::cpu {

RoundedInput allocate_rounded(Workers& workers, std::int64_t bytes, std::int64_t quantizations,
                              std::int64_t ranges) {
  constexpr auto kEach = static_cast<std::int64_t>(sizeof(Quantization));
  static_assert(sizeof(ValueRange) == kEach);
  const std::int64_t of_bytes = divide_up(bytes, kEach) * kEach;
  auto* const memory = reinterpret_cast<std::uint8_t*>(
      workers.shared_scratch((of_bytes + (quantizations + ranges) * kEach) / std::int64_t{sizeof(float)}));
  auto* const first = reinterpret_cast<Quantization*>(memory + of_bytes);
  return {memory, first, reinterpret_cast<ValueRange*>(first + quantizations)};
}

void run(Workers& workers, const ReducedTask& task) {
  const ConvTask& conv = task.conv;
  const std::int64_t panels = divide_up(conv.columns, panel_format().columns);
  const std::int64_t blocks = block_count(task);
  const std::int64_t work =
      task.images * task.lines * conv.out_w * conv.columns * conv.kernel * conv.kernel * task.pixel_bytes;
  workers.reserve_thread_scratch(reduced_scratch());
  // Blocks are split before panels, so that a task uses the input it has read for many panels.
  const std::int64_t wanted =
      task_count(Work::reduced_multiplications, work, workers.pool().threads() * kMostTasksPerThread);
  const std::int64_t ranges = std::min(blocks, wanted);
  const std::int64_t groups = std::min(panels, divide_up(wanted, ranges));
  workers.pool().parallel_for(groups * ranges, [&](std::int64_t i, int thread) {
    const ReducedPart part{index_range(panels, groups, i / ranges), index_range(blocks, ranges, i % ranges)};
    if (task.features.amx) {
      const AmxRegisters registers;
      reduced_task(task, part, workers.thread_scratch(thread));
    } else {
      reduced_task(task, part, workers.thread_scratch(thread));
    }
  });
}

bool can_read_in_place(const ReducedMatrix& weights, const Tensor& x) {
  const std::int64_t step = weights.amx ? kAmxStep : kUnit;
  const std::int64_t rows = weights.amx ? kAmxTile : 1;
  return weights.format == Format::bf16 && x.dtype == DType::bf16 && weights.pixel_bytes % step == 0 &&
         x.shape.pixels() % rows == 0;
}

void multiply(Workers& workers, const ReducedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out) {
  ReducedTask task = make_reduced_task(workers, weights, options.residual, options.activation, out);
  const std::int64_t tokens = x.shape.pixels();
  task.conv.out_w = task.conv.out_pitch = tokens;
  if (can_read_in_place(weights, x)) {
    task.x = x.as<const std::uint8_t>();
    task.pixel_bytes = x.stride * static_cast<std::int64_t>(sizeof(Bf16));
    task.line_bytes = tokens * task.pixel_bytes;
    run(workers, task);
    return;
  }
  task.line_bytes = tokens * task.pixel_bytes;
  task.quantized_by_pixel = true;
  const std::int64_t beyond = bytes_read_beyond(task);
  const RoundedInput rounded = allocate_rounded(workers, tokens * task.pixel_bytes + beyond, tokens, 0);
  std::uint8_t* const bytes = rounded.bytes;
  Quantization* const quantizations = rounded.quantizations;
  task.quantization = quantizations;
  task.x = bytes;
  for_rounding_parts(workers, tokens, x.shape.c, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t token = first; token < last; ++token) {
      const ReducedLine line{.x = elements_of(x) + token * x.stride,
                             .x_stride = x.stride,
                             .channels = x.shape.c,
                             .width = 1,
                             .pixels = 1,
                             .out = bytes + token * task.pixel_bytes};
      if (task.format == Format::int8) {
        quantizations[token] = quantization_of(value_range(line.x, x.stride, 1, x.shape.c));
      }
      round_line(line, task.format, quantizations[token], task.features);
    }
  });
  std::memset(bytes + tokens * task.pixel_bytes, 0, static_cast<std::size_t>(beyond));
  run(workers, task);
}

}  // namespace streamdiffusion::cpu
