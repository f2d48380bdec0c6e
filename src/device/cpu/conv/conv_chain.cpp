#include "device/cpu/conv/conv_chain.h"

#include <algorithm>
#include <optional>

#include "core/index_range.h"
#include "core/round_up.h"
#include "device/cpu/conv/chain_plan.h"
#include "device/cpu/conv/convolution.h"
#include "device/cpu/reduced/padded_lines.h"
#include "device/cpu/reduced/reduced_conv.h"
#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/simd/amx.h"

namespace streamdiffusion::cpu {

namespace {

/// Pixels of an image. `bottom` and `right` are exclusive.
struct Rectangle {
  std::int64_t top, bottom, left, right;

  [[nodiscard]] std::int64_t height() const { return bottom - top; }
  [[nodiscard]] std::int64_t width() const { return right - left; }
  [[nodiscard]] Rectangle expanded(std::int64_t by, const Shape& image) const {
    return {std::max<std::int64_t>(0, top - by), std::min(image.h, bottom + by),
            std::max<std::int64_t>(0, left - by), std::min(image.w, right + by)};
  }
};

/// A rectangle of an image and its location in memory.
struct Region {
  Rectangle pixels;
  Elements first;
  std::int64_t stride;  // Elements between neighbouring pixels.
  std::int64_t pitch;   // Pixels between lines.

  [[nodiscard]] Elements at(std::int64_t y, std::int64_t x) const {
    return first + ((y - pixels.top) * pitch + x - pixels.left) * stride;
  }
};

Region region_of(const Tensor& image, std::int64_t row) {
  return {{0, image.shape.h, 0, image.shape.w},
          elements_of(image) + row * image.shape.h * image.shape.w * image.stride,
          image.stride,
          image.shape.w};
}

/// Returns the step's int8 or bf16 weights; nullptr if the step upsamples or uses another algorithm.
const ReducedMatrix* reduced_weights(const Conv2dStep& step) {
  const auto& packed = static_cast<const PackedConv2d&>(*step.weights);
  const bool is_reduced =
      packed.plan.algorithm(step.out.shape, step.options.padding, step.out.shape) == ConvAlgorithm::reduced;
  return is_reduced && !packed.plan.upsamples ? &packed.reduced->first_part() : nullptr;
}

/// True if a step is a 3x3 convolution that keeps the shape and type of `x` and has weights in the first
/// step's format. The buffers of a piece are sized for such steps.
bool keeps_shape_and_format(const Conv2dStep& step, const Conv2dStep& first, const Tensor& x) {
  const ReducedMatrix* matrix = reduced_weights(step);
  return matrix != nullptr && matrix->format == reduced_weights(first)->format && matrix->kernel == 3 &&
         matrix->resample == Resample::none && step.options.padding == 1 && step.options.row_bias.empty() &&
         step.out.shape == x.shape && step.out.dtype == x.dtype;
}

/// A chain of steps whose results all have the shape of the input, divided into pieces.
class Chain {
 public:
  Chain(const Workers& workers, const Tensor& x, std::span<const Conv2dStep> steps, const ChainPlan& plan)
      : workers_(workers), x_(x), steps_(steps), plan_(plan) {}

  [[nodiscard]] std::int64_t pieces() const { return x_.shape.n * plan_.pieces_per_image(); }
  /// Floats of scratch memory that computing a piece takes.
  [[nodiscard]] std::int64_t scratch() const {
    return reduced_scratch() + plan_.piece_bytes() / std::int64_t{sizeof(float)};
  }

  /// Computes one piece. Each step's region includes the border that the remaining steps read.
  void compute(std::int64_t index, float* memory) const {
    const std::int64_t row = index / plan_.pieces_per_image();
    const IndexRange lines =
        index_range(x_.shape.h, plan_.down, index % plan_.pieces_per_image() / plan_.across);
    const IndexRange columns = index_range(x_.shape.w, plan_.across, index % plan_.across);
    const Rectangle piece{lines.first, lines.last, columns.first, columns.last};
    auto* const bytes = reinterpret_cast<std::byte*>(memory + reduced_scratch());
    auto* const rounded = reinterpret_cast<std::uint8_t*>(bytes + 2 * plan_.intermediate_bytes);
    Region in = region_of(x_, row);
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const bool last = i + 1 == steps_.size();
      const Rectangle pixels = piece.expanded(static_cast<std::int64_t>(steps_.size() - 1 - i), x_.shape);
      const Elements intermediate{bytes + static_cast<std::int64_t>(i % 2) * plan_.intermediate_bytes,
                                  x_.dtype};
      const Region out =
          last ? region_of(steps_[i].out, row) : Region{pixels, intermediate, x_.shape.c, pixels.width()};
      compute_step(steps_[i], row, in, pixels, out, rounded, memory);
      in = out;
    }
  }

 private:
  /// Computes one convolution for some pixels of a batch row. `in` contains them and their neighbours.
  void compute_step(const Conv2dStep& step, std::int64_t row, const Region& in, const Rectangle& pixels,
                    const Region& out, std::uint8_t* rounded, float* scratch) const {
    ReducedTask task =
        make_reduced_task(workers_, *reduced_weights(step), {}, step.options.activation, step.out);
    ConvTask& conv = task.conv;
    conv.kernel = 3;
    conv.out = out.at(pixels.top, pixels.left);
    conv.out_stride = out.stride;
    conv.out_pitch = out.pitch;
    conv.out_h = pixels.height();
    conv.out_w = pixels.width();
    if (!step.options.residual.empty()) {
      const Region residual = region_of(step.options.residual, row);
      conv.residual = residual.at(pixels.top, pixels.left);
      conv.residual_stride = residual.stride;
    }
    task.lines = pixels.height();
    task.line_bytes = (pixels.width() + 2) * task.pixel_bytes;
    task.image_bytes = (pixels.height() + 2) * task.line_bytes;
    task.x = rounded;
    const Quantization quantization = round(task, in, pixels, rounded);
    task.quantization = &quantization;
    reduced_task(task, {{0, divide_up(conv.columns, panel_format().columns)}, {0, block_count(task)}},
                 scratch);
  }

  /// Rounds the input of `pixels`, with a border of one pixel, to the format of the weights. Outside of the
  /// image the border is zero. Returns the quantisation, which matters for int8 only.
  [[nodiscard]] Quantization round(const ReducedTask& task, const Region& in, const Rectangle& pixels,
                                   std::uint8_t* rounded) const {
    const Rectangle read = pixels.expanded(1, x_.shape);
    const PaddedLines lines{.first = in.at(read.top, read.left),
                            .stride = in.stride,
                            .line_pitch = in.pitch * in.stride,
                            .channels = x_.shape.c,
                            .height = read.height(),
                            .width = read.width(),
                            .top = read.top - (pixels.top - 1),
                            .left = read.left - (pixels.left - 1),
                            .lines = pixels.height() + 2,
                            .pixels = pixels.width() + 2};
    return round_lines(task, lines, rounded);
  }

  const Workers& workers_;
  const Tensor& x_;
  std::span<const Conv2dStep> steps_;
  ChainPlan plan_;
};

}  // namespace

bool convolve_chain(Workers& workers, const Tensor& x, std::span<const Conv2dStep> steps) {
  if (reduced_weights(steps.front()) == nullptr || !std::ranges::all_of(steps, [&](const Conv2dStep& step) {
        return keeps_shape_and_format(step, steps.front(), x);
      })) {
    return false;
  }
  const ReducedMatrix& first = *reduced_weights(steps.front());
  const std::optional<ChainPlan> plan = plan_chain({x.shape, x.dtype, std::ssize(steps), first.pixel_bytes});
  if (!plan) {
    return false;
  }
  const Chain chain(workers, x, steps, *plan);
  workers.reserve_thread_scratch(chain.scratch());
  const bool amx = first.amx;
  workers.pool().parallel_for(chain.pieces(), [&](std::int64_t i, int thread) {
    std::optional<AmxRegisters> registers;
    if (amx) {
      registers.emplace();
    }
    chain.compute(i, workers.thread_scratch(thread));
  });
  return true;
}

}  // namespace streamdiffusion::cpu
