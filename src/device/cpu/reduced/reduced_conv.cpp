#include "device/cpu/reduced/reduced_conv.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "core/index_range.h"
#include "core/round_up.h"
#include "device/cpu/cache_sizes.h"
#include "device/cpu/matrix/conv_output.h"
#include "device/cpu/reduced/padded_lines.h"
#include "device/cpu/reduced/reduced_layers.h"

namespace streamdiffusion::cpu {

namespace {

constexpr std::int64_t kKernel = 3;  // Kernel of a convolution that upsamples.
constexpr std::int64_t kTaps = kKernel * kKernel;
constexpr std::int64_t kPartKernel = 2;
constexpr std::int64_t kPartTaps = kPartKernel * kPartKernel;

/// For output lines 2 i + phase, returns the line of a part's kernel that line `tap` of the 3x3 kernel is
/// added to. The 3x3 kernel's lines read input lines i - 1, i, i in phase 0 and i, i, i + 1 in phase 1.
std::int64_t part_tap(std::int64_t phase, std::int64_t tap) { return (tap + 1 - phase) / kPartKernel; }

/// Returns the weights of part (y, x): [out][in][2][2].
std::vector<float> part_weights(std::span<const float> host_weights, std::int64_t y, std::int64_t x) {
  const auto kernels = static_cast<std::int64_t>(host_weights.size()) / kTaps;
  std::vector<float> weights(static_cast<std::size_t>(kernels * kPartTaps));
  for (std::int64_t i = 0; i < kernels; ++i) {
    const float* const from = host_weights.data() + i * kTaps;
    float* const to = weights.data() + i * kPartTaps;
    for (std::int64_t tap = 0; tap < kTaps; ++tap) {
      to[part_tap(y, tap / kKernel) * kPartKernel + part_tap(x, tap % kKernel)] += from[tap];
    }
  }
  return weights;
}

}  // namespace

ReducedConv2d::ReducedConv2d(Device& device, Workers& workers, const HostConv2d& host, Format format) {
  if (host.resample != Resample::up) {
    parts_.push_back(std::make_unique<ReducedMatrix>(device, workers, host, format));
    return;
  }
  for (std::int64_t i = 0; i < kPartTaps; ++i) {
    const std::vector<float> weights = part_weights(host.weight, i / kPartKernel, i % kPartKernel);
    HostConv2d part = host;
    part.weight = weights;
    part.kernel = kPartKernel;
    part.resample = Resample::none;
    parts_.push_back(std::make_unique<ReducedMatrix>(device, workers, part, format));
  }
}

namespace {

// Bytes of rounded input that are multiplied before the next ones are rounded, so that they and their source
// stay in the last-level cache: 3 of 32 MiB. int8 results depend on it, as each band has its own scale.
constexpr std::int64_t kBandBytes = kReferenceCaches.last_level * 3 / 32;

/// Consecutive images of a batch, or a band of lines of one image.
struct Band {
  std::int64_t row;     // First row of the batch.
  std::int64_t images;  // Number of rows.
  IndexRange lines;     // Output lines.
};

/// Returns the input lines, padding included, that the output lines of a band read.
PaddedLines lines_of(const ConvTask& conv, const Band& band, const Tensor& x) {
  const std::int64_t line_pitch = x.shape.w * x.stride;
  const std::int64_t image_pitch = x.shape.h * line_pitch;
  return {.first = elements_of(x) + band.row * image_pitch,
          .stride = x.stride,
          .line_pitch = line_pitch,
          .image_pitch = image_pitch,
          .channels = x.shape.c,
          .height = x.shape.h,
          .width = x.shape.w,
          .top = conv.padding - band.lines.first * conv.stride,
          .left = conv.padding,
          .lines = (band.lines.size() - 1) * conv.stride + conv.kernel,
          .pixels = (conv.out_w - 1) * conv.stride + conv.kernel,
          .images = band.images};
}

/// Finds the quantisation of each image of a band, from the range of the lines that are read.
void find_quantizations(Workers& workers, const PaddedLines& lines, const RoundedInput& into) {
  for_rounding_parts(workers, lines.count(), lines.width * lines.channels,
                     [&](std::int64_t first, std::int64_t last) {
                       for (std::int64_t line = first; line < last; ++line) {
                         into.ranges[line] = lines.range(line);
                       }
                     });
  for (std::int64_t image = 0; image < lines.images; ++image) {
    ValueRange all;
    for (std::int64_t line = 0; line < lines.lines; ++line) {
      all = join(all, into.ranges[image * lines.lines + line]);
    }
    into.quantizations[image] = quantization_of(all);
  }
}

/// The output pixels that a part computes, and where it begins to read.
struct PartPlace {
  std::int64_t out_y, out_x;    // First output pixel; every second one follows, in both directions.
  std::int64_t lines, columns;  // Number of output pixels in both directions.
  std::int64_t read_y, read_x;  // First pixel of the rounded images that is read.
};

/// Makes the task of one part of an upsampling convolution, whose output is `width` pixels wide.
ReducedTask part_of(const ReducedTask& full_task, const ReducedMatrix& matrix, const PartPlace& place,
                    std::int64_t width) {
  ReducedTask task = full_task;
  ConvTask& conv = task.conv;
  set_weights(task, matrix);
  conv.kernel = matrix.kernel;
  task.x += place.read_y * task.line_bytes + place.read_x * task.pixel_bytes;
  task.lines = place.lines;
  conv.out_w = place.columns;
  const std::int64_t first = place.out_y * width + place.out_x;
  conv.out = conv.out + first * conv.out_stride;
  conv.out_stride *= 2;
  if (!conv.residual.empty()) {
    conv.residual = conv.residual + first * conv.residual_stride;
    conv.residual_stride *= 2;
  }
  return task;
}

/// Number of the indices first, first + 2 ... below count.
std::int64_t every_second(std::int64_t first, std::int64_t count) { return (count - first + 1) / 2; }

/// Multiplies a band whose input is rounded.
void run(Workers& workers, const ReducedTask& task, const ReducedConv2d& weights, const Band& band,
         const Tensor& out) {
  if (!weights.upsamples()) {
    run(workers, task);
    return;
  }
  for (const std::int64_t y : {0, 1}) {
    for (const std::int64_t x : {0, 1}) {
      const std::int64_t lines = std::min(task.lines, every_second(y, out.shape.h) - band.lines.first);
      if (lines > 0) {
        run(workers, part_of(task, weights.part(y, x), {y, x, lines, every_second(x, out.shape.w), y, x},
                             out.shape.w));
      }
    }
  }
}

/// Rounds and multiplies all bands, one after the other.
void convolve_bands(Workers& workers, const ReducedConv2d& weights, ReducedTask& task, const Tensor& x,
                    const Tensor& out) {
  ConvTask& conv = task.conv;
  task.line_bytes = ((conv.out_w - 1) * conv.stride + conv.kernel) * task.pixel_bytes;
  const auto lines_for = [&](std::int64_t out_lines) { return (out_lines - 1) * conv.stride + conv.kernel; };
  const std::int64_t bands =
      std::clamp<std::int64_t>(conv.out_h * conv.stride * task.line_bytes / kBandBytes, 1, conv.out_h);
  const std::int64_t image_lines = lines_for(divide_up(conv.out_h, bands));
  const std::int64_t band_rows =
      bands > 1 ? 1 : std::clamp<std::int64_t>(kBandBytes / (image_lines * task.line_bytes), 1, out.shape.n);
  const std::int64_t lines = band_rows * image_lines;
  const std::int64_t beyond = bytes_read_beyond(task);
  const RoundedInput rounded = allocate_rounded(workers, lines * task.line_bytes + beyond, band_rows, lines);
  std::uint8_t* const bytes = rounded.bytes;
  Quantization* const quantizations = rounded.quantizations;
  task.x = bytes;
  task.quantization = quantizations;
  for (std::int64_t row = 0; row < out.shape.n; row += band_rows) {
    task.images = std::min(band_rows, out.shape.n - row);
    for (std::int64_t i = 0; i < bands; ++i) {
      const Band band{row, task.images, index_range(conv.out_h, bands, i)};
      const PaddedLines padded = lines_of(conv, band, x);
      if (task.format == Format::int8) {
        find_quantizations(workers, padded, rounded);
      }
      for_rounding_parts(workers, padded.count(), x.shape.w * x.shape.c,
                         [&](std::int64_t first, std::int64_t last) {
                           for (std::int64_t line = first; line < last; ++line) {
                             round_line(padded.line(line, bytes + line * task.line_bytes), task.format,
                                        quantizations[line / padded.lines], task.features);
                           }
                         });
      std::memset(bytes + padded.count() * task.line_bytes, 0, static_cast<std::size_t>(beyond));
      task.lines = band.lines.size();
      task.image_bytes = padded.lines * task.line_bytes;
      task.first_line = row * conv.out_h + band.lines.first;
      run(workers, task, weights, band, out);
    }
  }
}

/// The contribution of the upsampled image's last line, of its last column, or of the pixel in their corner.
/// If the output is a line or column short, these are outside of it and should be zeros, but the parts
/// include them.
class OverhangCorrection {
 public:
  OverhangCorrection(const ReducedTask& task, const Tensor& x, const Tensor& out, bool line, bool column)
      : task_(task), x_(x), out_(out), line_(line), column_(column) {
    ConvTask& conv = task_.conv;
    conv.out_h = out.shape.h;
    conv.bias = nullptr;
    conv.row_bias = {};
    conv.residual = conv.out;
    conv.residual_stride = conv.out_stride;
    task_.images = 1;
    task_.first_line = 0;
    task_.line_bytes = (columns() + 2) * task_.pixel_bytes;
    task_.image_bytes = (lines() + 2) * task_.line_bytes;
  }

  /// Adds the contribution to the output, or subtracts it if `negative`.
  void add(Workers& workers, const ReducedConv2d& weights, bool negative) {
    const RoundedInput rounded =
        allocate_rounded(workers, task_.image_bytes + bytes_read_beyond(task_), 1, 0);
    *rounded.quantizations = round_lines(task_, overhang(), rounded.bytes);
    if (negative) {
      negate(rounded);
    }
    task_.x = rounded.bytes;
    task_.quantization = rounded.quantizations;
    for (std::int64_t y = line_ ? 1 : 0; y < 2; ++y) {
      for (std::int64_t x = column_ ? 1 : 0; x < 2; ++x) {
        // The kernel of part 1 has the last line (column) of the 3x3 kernel alone as its second one. Its
        // first one reads zeros here.
        const PartPlace place{.out_y = line_ ? out_.shape.h - 1 : y,
                              .out_x = column_ ? out_.shape.w - 1 : x,
                              .lines = line_ ? 1 : every_second(y, out_.shape.h),
                              .columns = column_ ? 1 : every_second(x, out_.shape.w),
                              .read_y = line_ ? 0 : y,
                              .read_x = column_ ? 0 : x};
        run(workers, part_of(task_, weights.part(y, x), place, out_.shape.w));
      }
    }
  }

 private:
  [[nodiscard]] std::int64_t lines() const { return line_ ? 1 : x_.shape.h; }
  [[nodiscard]] std::int64_t columns() const { return column_ ? 1 : x_.shape.w; }
  /// Returns the input's last line, column or pixel with a border of one zero pixel.
  [[nodiscard]] PaddedLines overhang() const {
    const std::int64_t y = line_ ? x_.shape.h - 1 : 0;
    const std::int64_t x = column_ ? x_.shape.w - 1 : 0;
    return {.first = elements_of(x_) + (y * x_.shape.w + x) * x_.stride,
            .stride = x_.stride,
            .line_pitch = x_.shape.w * x_.stride,
            .channels = x_.shape.c,
            .height = lines(),
            .width = columns(),
            .top = 1,
            .left = 1,
            .lines = lines() + 2,
            .pixels = columns() + 2};
  }

  void negate(const RoundedInput& rounded) const {
    if (task_.format == Format::int8) {
      rounded.quantizations->scale *= -1.0F;
      return;
    }
    auto* const numbers = reinterpret_cast<Bf16*>(rounded.bytes);
    for (std::int64_t i = 0; i < task_.image_bytes / std::int64_t{sizeof(Bf16)}; ++i) {
      numbers[i].bits ^= 0x8000U;
    }
  }

  ReducedTask task_;
  const Tensor& x_;
  const Tensor& out_;
  bool line_;
  bool column_;
};

/// Computes one image whose output is a line, a column or both short of the upsampled image. Subtracts what
/// the parts read there, and adds the corner, which is subtracted twice, once more.
void convolve_odd_output(Workers& workers, const ReducedConv2d& weights, ReducedTask task, const Tensor& x,
                         const Tensor& out) {
  const Activation activation = std::exchange(task.conv.activation, Activation::none);
  const bool line = out.shape.h % 2 != 0;
  const bool column = out.shape.w % 2 != 0;
  const ReducedTask before = task;
  convolve_bands(workers, weights, task, x, out);
  if (line) {
    OverhangCorrection(before, x, out, true, false).add(workers, weights, true);
  }
  if (column) {
    OverhangCorrection(before, x, out, false, true).add(workers, weights, true);
  }
  if (line && column) {
    OverhangCorrection(before, x, out, true, true).add(workers, weights, false);
  }
  if (activation != Activation::none) {
    map(out, 1.0F, activation, 1.0F, 0.0F, out);
  }
}

}  // namespace

void convolve(Workers& workers, const ReducedConv2d& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out) {
  const ReducedMatrix& matrix = weights.first_part();
  const bool is_product = matrix.kernel == 1 && matrix.resample == Resample::none;
  if (is_product && options.row_bias.empty() && can_read_in_place(matrix, x)) {
    multiply(workers, matrix, x, {options.residual, options.activation}, out);
    return;
  }
  const bool is_odd = weights.upsamples() && (out.shape.h % 2 != 0 || out.shape.w % 2 != 0);
  if (is_odd && out.shape.n > 1) {
    for (std::int64_t row = 0; row < out.shape.n; ++row) {
      Conv2dOptions of_row = options;
      of_row.row_bias = options.row_bias.empty() ? Tensor{} : options.row_bias.rows(row, 1);
      of_row.residual = options.residual.empty() ? Tensor{} : options.residual.rows(row, 1);
      convolve(workers, weights, x.rows(row, 1), of_row, out.rows(row, 1));
    }
    return;
  }
  ReducedTask task = make_reduced_task(workers, matrix, options.residual, options.activation, out);
  set_task_geometry(task.conv, weights.upsamples() ? kKernel : matrix.kernel, matrix.resample, x, options,
                    out);
  if (weights.upsamples()) {
    assert(divide_up(out.shape.h, 2) == x.shape.h && divide_up(out.shape.w, 2) == x.shape.w &&
           options.padding == 1);
    task.conv.out_h = x.shape.h;
    task.conv.out_w = x.shape.w;
  }
  if (is_odd) {
    convolve_odd_output(workers, weights, task, x, out);
  } else {
    convolve_bands(workers, weights, task, x, out);
  }
}

}  // namespace streamdiffusion::cpu
