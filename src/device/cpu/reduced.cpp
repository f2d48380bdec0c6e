#include "device/cpu/reduced.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "device/cpu/amx.h"
#include "device/cpu/conv_output.h"

namespace streamdiffusion::cpu {

namespace {

constexpr float kLargestByte = 127.0F;
// Input channels that are packed together: their cache lines stay near while the columns go by.
constexpr std::int64_t kChannelBlock = 16;
// Narrower inputs are those of a network's first layers, which are sensitive and take little time.
constexpr std::int64_t kFewestChannels = 16;
// Fewer outputs are those of a network's last layers, likewise: they are not written in bytes.
constexpr std::int64_t kFewestOutputs = 8;

std::int64_t divide_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }
std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return divide_up(n, multiple) * multiple; }

bool pays(const Features& features, Precision precision, std::int64_t in_channels,
          std::int64_t out_channels) {
  if (precision == Precision::f32 || in_channels < kFewestChannels) {
    return false;
  }
  const bool bf16 = features.bf16 && multiplies_bytes();
  if (out_channels < kFewestOutputs) {
    return bf16 && features.amx;
  }
  return bf16 || precision == Precision::int8;
}

Format format_of(Precision precision, std::int64_t out_channels) {
  return precision == Precision::bf16 || out_channels < kFewestOutputs ? Format::bf16 : Format::int8;
}

/// To the nearest, to even between two.
std::int8_t to_byte(float value) {
  constexpr float kWhole = 0x1.8p23F;  // so large that floats near it are whole numbers
  const float rounded = value + kWhole - kWhole;
  return static_cast<std::int8_t>(std::clamp(rounded, -kLargestByte, kLargestByte));
}

}  // namespace

bool ReducedMatrix::suits(const Features& features, const HostConv2d& host) {
  return pays(features, host.precision, host.in_channels, host.out_channels);
}

bool ReducedMatrix::suits(const Features& features, const HostLinear& host) {
  return pays(features, host.precision, host.in_channels, host.out_channels);
}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostConv2d& host)
    : columns(host),
      format(format_of(host.precision, host.out_channels)),
      amx(workers.features().amx && multiplies_bytes()),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels * format_bytes(format), kUnit)),
      kernel(host.kernel),
      weight_units(round_up(kernel * pixel_bytes, amx ? kAmxStep : kUnit) / kUnit),
      resample(host.resample),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, workers.pool(), host.weight);
}

ReducedMatrix::ReducedMatrix(Device& device, Workers& workers, const HostLinear& host)
    : columns(host),
      format(format_of(host.precision, host.out_channels)),
      amx(workers.features().amx && multiplies_bytes()),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels * format_bytes(format), kUnit)),
      weight_units(round_up(pixel_bytes, amx ? kAmxStep : kUnit) / kUnit),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, workers.pool(), host.weight);
}

void ReducedMatrix::pack(Device& device, ThreadPool& pool, std::span<const float> weight) {
  const auto padded = static_cast<std::size_t>(columns.padded());
  weights_ = device.allocate(padded * static_cast<std::size_t>(kernel * weight_units * kUnit));
  if (format == Format::int8) {
    scales_ = device.allocate(padded * sizeof(float));
    sums_ = device.allocate(padded * sizeof(std::int32_t));
  }
  pool.parallel_for(columns.panels(), [&](std::int64_t panel, int) { pack_panel(panel, weight); });
}

void ReducedMatrix::pack_panel(std::int64_t panel, std::span<const float> weight) {
  const PanelFormat panels = panel_format();
  const std::int64_t first = panel * panels.columns;
  const std::int64_t width = std::min(panels.columns, columns.padded() - first);
  auto* to = static_cast<std::int8_t*>(weights_.data()) + first * kernel * weight_units * kUnit;
  std::fill_n(to, width * kernel * weight_units * kUnit, std::int8_t{0});
  if (format == Format::bf16) {
    for_units(weight, first, width, [&](std::int64_t, const WeightsOfUnit& unit, std::int64_t place) {
      Bf16 rounded[kUnit / sizeof(Bf16)] = {};
      for (std::int64_t i = 0; i < unit.count; ++i) {
        set(rounded[i], unit.values[i * unit.stride]);
      }
      std::memcpy(to + place, rounded, kUnit);
    });
    return;
  }
  auto* scales = static_cast<float*>(scales_.data()) + first;
  auto* sums = static_cast<std::int32_t*>(sums_.data()) + first;
  std::fill_n(sums, width, 0);
  for (std::int64_t column = 0; column < width; ++column) {
    scales[column] = largest_weight(weight, columns.channel(first + column)) / kLargestByte;
  }
  for_units(weight, first, width, [&](std::int64_t column, const WeightsOfUnit& unit, std::int64_t place) {
    const float to_bytes = scales[column] > 0 ? 1.0F / scales[column] : 0.0F;
    std::int8_t rounded[kUnit] = {};
    for (std::int64_t i = 0; i < unit.count; ++i) {
      rounded[i] = to_byte(unit.values[i * unit.stride] * to_bytes);
      sums[column] += rounded[i];
    }
    std::memcpy(to + place, rounded, kUnit);
  });
}

template <typename Write>
void ReducedMatrix::for_units(std::span<const float> weight, std::int64_t first, std::int64_t width,
                              const Write& write) const {
  const std::int64_t taps = kernel * kernel;
  const std::int64_t each = kUnit / format_bytes(format);  // weights of a unit
  const std::int64_t together = amx ? kAmxTile : width;    // columns
  for (std::int64_t block = 0; block < in_channels; block += kChannelBlock) {
    const std::int64_t block_end = std::min(in_channels, block + kChannelBlock);
    for (std::int64_t column = 0; column < width; ++column) {
      const std::int64_t out = columns.channel(first + column);
      const std::int64_t before = column / together * kernel * weight_units;
      for (std::int64_t tap = 0; out >= 0 && tap < taps; ++tap) {
        const std::int64_t tap_unit = tap / kernel * weight_units + tap % kernel * pixel_bytes / kUnit;
        for (std::int64_t in = block; in < block_end; in += each) {
          const float* const values = weight.data() + (out * in_channels + in) * taps + tap;
          write(column, WeightsOfUnit{values, taps, std::min(each, block_end - in)},
                ((before + tap_unit + in / each) * together + column % together) * kUnit);
        }
      }
    }
  }
}

float ReducedMatrix::largest_weight(std::span<const float> weight, std::int64_t out) const {
  if (out < 0) {
    return 0.0F;
  }
  const std::int64_t inner = kernel * kernel * in_channels;
  float largest = 0;
  for (const float value :
       weight.subspan(static_cast<std::size_t>(out * inner), static_cast<std::size_t>(inner))) {
    largest = std::max(largest, std::abs(value));
  }
  return largest;
}

ReducedTask make_reduced_task(const Workers& workers, const ReducedMatrix& matrix, const Tensor& residual,
                              Activation activation, const Tensor& out) {
  ReducedTask task;
  set_output(task.conv, matrix.columns, residual, activation, out);
  task.conv.bias = matrix.bias();
  task.format = matrix.format;
  task.amx = matrix.amx;
  task.rounds = workers.features().bf16 && multiplies_bytes();
  task.pixel_bytes = matrix.pixel_bytes;
  task.weights = matrix.weights();
  task.weight_units = matrix.weight_units;
  task.weight_scales = matrix.scales();
  task.weight_sums = matrix.sums();
  return task;
}

namespace {

// Multiplications that are worth a task of their own.
constexpr std::int64_t kTaskWork = 8'000'000;
// Bytes of the input that are rounded before they are multiplied: they and what they were made from stay in
// the last-level cache.
constexpr std::int64_t kBandBytes = std::int64_t{3} << 20U;
// Values that are worth a task of rounding.
constexpr std::int64_t kRoundedValues = 50'000;

void run(Workers& workers, const ReducedTask& task) {
  const ConvTask& conv = task.conv;
  const std::int64_t panels = divide_up(conv.columns, panel_format().columns);
  const std::int64_t blocks = block_count(task);
  const std::int64_t work =
      task.pictures * task.lines * conv.out_w * conv.columns * conv.kernel * conv.kernel * task.pixel_bytes;
  workers.prepare(reduced_scratch());
  // Rather blocks than panels: what was read of the input is used for all panels.
  const std::int64_t wanted =
      std::clamp<std::int64_t>(work / kTaskWork, 1, workers.pool().threads() * std::int64_t{8});
  const std::int64_t ranges = std::min(blocks, wanted);
  const std::int64_t groups = std::min(panels, divide_up(wanted, ranges));
  workers.pool().parallel_for(groups * ranges, [&](std::int64_t i, int thread) {
    const std::int64_t range = i % ranges;
    const std::int64_t group = i / ranges;
    const ReducedPart part{panels * group / groups, panels * (group + 1) / groups, blocks * range / ranges,
                           blocks * (range + 1) / ranges};
    if (task.amx) {
      const AmxRegisters registers;
      reduced_task(task, part, workers.own(thread));
    } else {
      reduced_task(task, part, workers.own(thread));
    }
  });
}

/// Consecutive pictures of a batch, or a band of lines of one.
struct Band {
  std::int64_t row;
  std::int64_t pictures;
  std::int64_t first;  // output lines
  std::int64_t last;
};

/// The lines of a band's pictures, with the kernel's border.
class BandLines {
 public:
  BandLines(const ReducedTask& task, const Band& band, const Tensor& x)
      : task_(task),
        band_(band),
        x_(x),
        lines_((band.last - band.first - 1) * task.conv.stride + task.conv.kernel) {}

  [[nodiscard]] std::int64_t in_picture() const { return lines_; }
  [[nodiscard]] std::int64_t count() const { return lines_ * band_.pictures; }
  /// The input line that shows there; empty outside of the picture.
  [[nodiscard]] Elements shown(std::int64_t line) const {
    const ConvTask& conv = task_.conv;
    const std::int64_t y = band_.first * conv.stride - conv.padding + line % lines_;
    const std::int64_t height = conv.upsample ? conv.out_h : conv.in_h;
    if (y < 0 || y >= height) {
      return {nullptr, x_.dtype};
    }
    const std::int64_t row = band_.row + line / lines_;
    return elements_of(x_) + (row * x_.shape.h + (conv.upsample ? y / 2 : y)) * x_.shape.w * x_.stride;
  }
  [[nodiscard]] ReducedLine reduced(std::int64_t line, std::uint8_t* bytes) const {
    const ConvTask& conv = task_.conv;
    return {.x = shown(line),
            .x_stride = x_.stride,
            .channels = x_.shape.c,
            .width = x_.shape.w,
            .upsample = conv.upsample,
            .left = conv.padding,
            .pixels = (conv.out_w - 1) * conv.stride + conv.kernel,
            .out = bytes + line * task_.line_bytes};
  }

 private:
  const ReducedTask& task_;
  const Band& band_;
  const Tensor& x_;
  std::int64_t lines_;
};

/// A rounded input, at the beginning of a page, so that a step of a product lies in one cache line where
/// pixels are whole steps; and what it is rounded with.
struct RoundedInput {
  std::uint8_t* bytes;
  Quantization* quantizations;
  ValueRange* ranges;
};
RoundedInput allocate_rounded(Workers& workers, std::int64_t bytes, std::int64_t quantizations,
                              std::int64_t ranges) {
  constexpr auto kEach = static_cast<std::int64_t>(sizeof(Quantization));
  static_assert(sizeof(ValueRange) == kEach);
  const std::int64_t of_bytes = round_up(bytes, kEach);
  auto* const memory = reinterpret_cast<std::uint8_t*>(
      workers.shared((of_bytes + (quantizations + ranges) * kEach) / std::int64_t{sizeof(float)}));
  auto* const first = reinterpret_cast<Quantization*>(memory + of_bytes);
  return {memory, first, reinterpret_cast<ValueRange*>(first + quantizations)};
}

/// Calls part(first, last) for parts of 0 .. count - 1 lines or tokens on all threads.
template <typename Part>
void for_rounding_parts(Workers& workers, std::int64_t count, std::int64_t values_each, const Part& part) {
  const std::int64_t parts = std::min(count, std::max<std::int64_t>(1, count * values_each / kRoundedValues));
  workers.pool().parallel_for(parts,
                              [&](std::int64_t i, int) { part(count * i / parts, count * (i + 1) / parts); });
}

/// Rounds the band's pictures to bytes, each with the range of what is seen of it.
void quantize_band(Workers& workers, const BandLines& lines, const Tensor& x, const RoundedInput& into) {
  const std::int64_t values = x.shape.w * x.shape.c;
  for_rounding_parts(workers, lines.count(), values, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t line = first; line < last; ++line) {
      const Elements shown = lines.shown(line);
      const bool again = line % lines.in_picture() > 0 && shown.data == lines.shown(line - 1).data;
      into.ranges[line] =
          shown.empty() || again ? ValueRange{} : value_range(shown, x.stride, x.shape.w, x.shape.c);
    }
  });
  for (std::int64_t picture = 0; picture * lines.in_picture() < lines.count(); ++picture) {
    ValueRange all;
    for (std::int64_t line = 0; line < lines.in_picture(); ++line) {
      const ValueRange& range = into.ranges[picture * lines.in_picture() + line];
      all = {std::min(all.low, range.low), std::max(all.high, range.high)};
    }
    into.quantizations[picture] = quantization_of(all);
  }
  for_rounding_parts(workers, lines.count(), values, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t line = first; line < last; ++line) {
      quantize_line(lines.reduced(line, into.bytes), into.quantizations[line / lines.in_picture()]);
    }
  });
}

/// Whether a matrix product can read its input where it lies: it is bfloat16, of whole steps, and there are
/// as many tokens as are read at a time.
bool can_stay(const ReducedMatrix& weights, const Tensor& x) {
  const std::int64_t step = weights.amx ? kAmxStep : kUnit;
  const std::int64_t rows = weights.amx ? kAmxTile : 1;
  return weights.format == Format::bf16 && x.dtype == DType::bf16 && weights.pixel_bytes % step == 0 &&
         x.shape.pixels() % rows == 0;
}

}  // namespace

void convolve(Workers& workers, const ReducedMatrix& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out) {
  const bool is_product = weights.kernel == 1 && weights.resample == Resample::none;
  if (is_product && options.row_bias.empty() && can_stay(weights, x)) {
    multiply(workers, weights, x, {options.residual, options.activation}, out);
    return;
  }
  ReducedTask task = make_reduced_task(workers, weights, options.residual, options.activation, out);
  ConvTask& conv = task.conv;
  set_geometry(conv, weights.kernel, weights.resample, x, options, out);
  task.line_bytes = ((conv.out_w - 1) * conv.stride + conv.kernel) * task.pixel_bytes;
  const auto lines_for = [&](std::int64_t out_lines) { return (out_lines - 1) * conv.stride + conv.kernel; };
  const std::int64_t bands =
      std::clamp<std::int64_t>(conv.out_h * conv.stride * task.line_bytes / kBandBytes, 1, conv.out_h);
  const std::int64_t picture_lines = lines_for(divide_up(conv.out_h, bands));
  const std::int64_t together =
      bands > 1 ? 1
                : std::clamp<std::int64_t>(kBandBytes / (picture_lines * task.line_bytes), 1, out.shape.n);
  const std::int64_t lines = together * picture_lines;
  const std::int64_t beyond = bytes_read_beyond(task);
  const RoundedInput rounded = allocate_rounded(workers, lines * task.line_bytes + beyond, together, lines);
  std::uint8_t* const bytes = rounded.bytes;
  Quantization* const quantizations = rounded.quantizations;
  task.x = bytes;
  task.quantization = quantizations;
  for (std::int64_t row = 0; row < out.shape.n; row += together) {
    task.pictures = std::min(together, out.shape.n - row);
    for (std::int64_t i = 0; i < bands; ++i) {
      const Band band{row, task.pictures, conv.out_h * i / bands, conv.out_h * (i + 1) / bands};
      const BandLines band_lines(task, band, x);
      if (task.format == Format::int8) {
        quantize_band(workers, band_lines, x, rounded);
      } else {
        for_rounding_parts(workers, band_lines.count(), x.shape.w * x.shape.c,
                           [&](std::int64_t first, std::int64_t last) {
                             for (std::int64_t line = first; line < last; ++line) {
                               line_to_bf16(band_lines.reduced(line, bytes));
                             }
                           });
      }
      std::memset(bytes + band_lines.count() * task.line_bytes, 0, static_cast<std::size_t>(beyond));
      task.lines = band.last - band.first;
      task.picture_bytes = band_lines.in_picture() * task.line_bytes;
      task.first_line = row * conv.out_h + band.first;
      run(workers, task);
    }
  }
}

void multiply(Workers& workers, const ReducedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out) {
  ReducedTask task = make_reduced_task(workers, weights, options.residual, options.activation, out);
  const std::int64_t tokens = x.shape.pixels();
  task.conv.out_w = task.conv.out_pitch = tokens;
  if (can_stay(weights, x)) {
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
        quantize_line(line, quantizations[token]);
      } else {
        line_to_bf16(line);
      }
    }
  });
  std::memset(bytes + tokens * task.pixel_bytes, 0, static_cast<std::size_t>(beyond));
  run(workers, task);
}

}  // namespace streamdiffusion::cpu
