#include "device/cpu/quantized.h"

#include <algorithm>
#include <cmath>

#include "device/cpu/conv_output.h"

namespace streamdiffusion::cpu {

namespace {

constexpr float kLargestWeight = 127.0F;
// Input channels that are packed together: their cache lines stay near while the columns go by.
constexpr std::int64_t kChannelBlock = 16;
// Narrower inputs are those of a network's first layers, which are sensitive and take little time.
constexpr std::int64_t kFewestChannels = 16;
constexpr std::int64_t kFewestOutputs = 8;  // likewise a network's last layers

std::int64_t divide_up(std::int64_t n, std::int64_t by) { return (n + by - 1) / by; }
std::int64_t round_up(std::int64_t n, std::int64_t multiple) { return divide_up(n, multiple) * multiple; }

bool channels_suit(std::int64_t in_channels, std::int64_t out_channels) {
  return in_channels >= kFewestChannels && out_channels >= kFewestOutputs;
}

}  // namespace

bool QuantizedMatrix::suits(const HostConv2d& host) {
  return host.precision == Precision::int8 && channels_suit(host.in_channels, host.out_channels);
}

bool QuantizedMatrix::suits(const HostLinear& host) {
  return host.precision == Precision::int8 && channels_suit(host.in_channels, host.out_channels);
}

QuantizedMatrix::QuantizedMatrix(Device& device, ThreadPool& pool, const HostConv2d& host)
    : columns(host),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels, kQuad)),
      kernel(host.kernel),
      resample(host.resample),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, pool, host.weight);
}

QuantizedMatrix::QuantizedMatrix(Device& device, ThreadPool& pool, const HostLinear& host)
    : columns(host),
      in_channels(host.in_channels),
      pixel_bytes(round_up(in_channels, kQuad)),
      bias_(pack_bias(device, columns, host.bias)) {
  pack(device, pool, host.weight);
}

void QuantizedMatrix::pack(Device& device, ThreadPool& pool, std::span<const float> weight) {
  const auto padded = static_cast<std::size_t>(columns.padded());
  weights_ = device.allocate(padded * static_cast<std::size_t>(kernel * kernel * pixel_bytes));
  scales_ = device.allocate(padded * sizeof(float));
  sums_ = device.allocate(padded * sizeof(std::int32_t));
  pool.parallel_for(columns.panels(), [&](std::int64_t panel, int) { pack_panel(panel, weight); });
}

void QuantizedMatrix::pack_panel(std::int64_t panel, std::span<const float> weight) {
  const PanelFormat format = panel_format();
  const std::int64_t taps = kernel * kernel;
  const std::int64_t inner = taps * in_channels;
  const std::int64_t first = panel * format.columns;
  const std::int64_t width = std::min(format.columns, columns.padded() - first);
  auto* to = static_cast<std::int8_t*>(weights_.data()) + first * taps * pixel_bytes;
  auto* scales = static_cast<float*>(scales_.data()) + first;
  auto* sums = static_cast<std::int32_t*>(sums_.data()) + first;
  std::fill_n(to, width * taps * pixel_bytes, std::int8_t{0});
  for (std::int64_t column = 0; column < width; ++column) {
    float largest = 0;
    if (const std::int64_t out = columns.channel(first + column); out >= 0) {
      for (const float value :
           weight.subspan(static_cast<std::size_t>(out * inner), static_cast<std::size_t>(inner))) {
        largest = std::max(largest, std::abs(value));
      }
    }
    scales[column] = largest / kLargestWeight;
    sums[column] = 0;
  }
  for (std::int64_t block = 0; block < in_channels; block += kChannelBlock) {
    const std::int64_t block_end = std::min(in_channels, block + kChannelBlock);
    for (std::int64_t column = 0; column < width; ++column) {
      if (!(scales[column] > 0)) {
        continue;
      }
      const float* from = weight.data() + columns.channel(first + column) * inner;
      const float inverse = 1.0F / scales[column];
      for (std::int64_t in = block; in < block_end; ++in) {
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const float rounded = std::nearbyint(from[in * taps + tap] * inverse);
          const auto byte = static_cast<std::int8_t>(std::clamp(rounded, -kLargestWeight, kLargestWeight));
          to[((tap * pixel_bytes + in / kQuad * kQuad) * width) + column * kQuad + in % kQuad] = byte;
          sums[column] += byte;
        }
      }
    }
  }
}

namespace {

// Multiplications that are worth a task of their own.
constexpr std::int64_t kTaskWork = 8'000'000;
// Bytes of the input that are rounded before they are multiplied: they and what they were made from stay in
// the last-level cache.
constexpr std::int64_t kBandBytes = std::int64_t{3} << 19U;
// Values that are worth a task of rounding.
constexpr std::int64_t kRoundedValues = 50'000;

QuantizedTask make_task(const QuantizedMatrix& matrix, const Tensor& residual, Activation activation,
                        const Tensor& out) {
  QuantizedTask task;
  set_output(task.conv, matrix.columns, residual, activation, out);
  task.conv.bias = matrix.bias();
  task.pixel_bytes = matrix.pixel_bytes;
  task.weights = matrix.weights();
  task.weight_scales = matrix.scales();
  task.weight_sums = matrix.sums();
  return task;
}

/// Multiplies for output lines first .. last - 1.
void run(Workers& workers, const QuantizedTask& task, std::int64_t first, std::int64_t last) {
  const ConvTask& conv = task.conv;
  const std::int64_t lines = last - first;
  const std::int64_t panels = divide_up(conv.columns, panel_format().columns);
  const std::int64_t work = lines * conv.out_w * conv.columns * conv.kernel * conv.kernel * task.pixel_bytes;
  workers.prepare(quantized_scratch());
  const std::int64_t wanted =
      std::clamp<std::int64_t>(work / kTaskWork, 1, workers.pool().threads() * std::int64_t{8});
  const std::int64_t blocks = std::min(lines, divide_up(wanted, panels));
  const std::int64_t groups = std::min(panels, wanted);  // of panels, where little is to be done
  workers.pool().parallel_for(groups * blocks, [&](std::int64_t i, int thread) {
    const std::int64_t block = i % blocks;
    const std::int64_t group = i / blocks;
    for (std::int64_t panel = panels * group / groups; panel < panels * (group + 1) / groups; ++panel) {
      quantized_task(task, panel, first + lines * block / blocks, first + lines * (block + 1) / blocks,
                     workers.own(thread));
    }
  });
}

/// One row's picture, or a band of it, as the kernel reads it.
struct Band {
  std::int64_t row;
  std::int64_t first;  // output lines
  std::int64_t last;
};

/// The input line that padded line `line` of the band shows, or -1 outside of the picture.
std::int64_t shown_line(const ConvTask& conv, const Band& band, std::int64_t line) {
  const std::int64_t y = band.first * conv.stride - conv.padding + line;
  const std::int64_t height = conv.upsample ? conv.out_h : conv.in_h;
  return y < 0 || y >= height ? -1 : (conv.upsample ? y / 2 : y);
}

/// Rounds the band's input to bytes, with the range of what it sees.
Quantization quantize_band(Workers& workers, const QuantizedTask& task, const Band& band, const Tensor& x,
                           ValueRange* ranges, std::uint8_t* bytes) {
  const ConvTask& conv = task.conv;
  const std::int64_t lines = (band.last - band.first - 1) * conv.stride + conv.kernel;
  const float* picture = x.as<const float>() + band.row * x.shape.h * x.shape.w * x.stride;
  const std::int64_t line_values = x.shape.w * x.shape.c;
  const std::int64_t parts = std::min(lines, std::max<std::int64_t>(1, lines * line_values / kRoundedValues));
  workers.pool().parallel_for(parts, [&](std::int64_t part, int) {
    ranges[part] = {};
    for (std::int64_t line = lines * part / parts; line < lines * (part + 1) / parts; ++line) {
      const std::int64_t y = shown_line(conv, band, line);
      if (y >= 0 && (line == 0 || y != shown_line(conv, band, line - 1))) {
        const ValueRange range =
            value_range(picture + y * x.shape.w * x.stride, x.stride, x.shape.w, x.shape.c);
        ranges[part] = {std::min(ranges[part].low, range.low), std::max(ranges[part].high, range.high)};
      }
    }
  });
  ValueRange all;
  for (std::int64_t part = 0; part < parts; ++part) {
    all = {std::min(all.low, ranges[part].low), std::max(all.high, ranges[part].high)};
  }
  const Quantization quantization = quantization_of(all);
  workers.pool().parallel_for(parts, [&](std::int64_t part, int) {
    for (std::int64_t line = lines * part / parts; line < lines * (part + 1) / parts; ++line) {
      const std::int64_t y = shown_line(conv, band, line);
      quantize_line({.x = y < 0 ? nullptr : picture + y * x.shape.w * x.stride,
                     .x_stride = x.stride,
                     .channels = x.shape.c,
                     .width = x.shape.w,
                     .upsample = conv.upsample,
                     .left = conv.padding,
                     .pixels = (conv.out_w - 1) * conv.stride + conv.kernel,
                     .out = bytes + line * task.line_bytes},
                    quantization);
    }
  });
  return quantization;
}

}  // namespace

void convolve(Workers& workers, const QuantizedMatrix& weights, const Tensor& x, const Conv2dOptions& options,
              const Tensor& out) {
  QuantizedTask task = make_task(weights, options.residual, options.activation, out);
  ConvTask& conv = task.conv;
  conv.in_h = x.shape.h;
  conv.upsample = weights.resample == Resample::up;
  conv.out_h = out.shape.h;
  conv.out_w = out.shape.w;
  conv.kernel = weights.kernel;
  conv.stride = weights.resample == Resample::down ? 2 : 1;
  conv.padding = options.padding;
  if (!options.row_bias.empty()) {
    conv.row_bias = options.row_bias.as<const float>();
    conv.row_bias_stride = options.row_bias.stride;
  }
  task.line_bytes = ((conv.out_w - 1) * conv.stride + conv.kernel) * task.pixel_bytes;
  const std::int64_t bands =
      std::clamp<std::int64_t>(conv.out_h * conv.stride * task.line_bytes / kBandBytes, 1, conv.out_h);
  const std::int64_t lines = (divide_up(conv.out_h, bands) - 1) * conv.stride + conv.kernel;
  auto* ranges =
      reinterpret_cast<ValueRange*>(workers.shared(2 * lines + divide_up(lines * task.line_bytes, 4)));
  auto* bytes = reinterpret_cast<std::uint8_t*>(ranges + lines);
  task.x = bytes;
  for (std::int64_t i = 0; i < out.shape.n * bands; ++i) {
    const std::int64_t band_index = i % bands;
    const Band band{i / bands, conv.out_h * band_index / bands, conv.out_h * (band_index + 1) / bands};
    const Quantization quantization = quantize_band(workers, task, band, x, ranges, bytes);
    task.quantization = &quantization;
    task.first_line = band.row * conv.out_h + band.first;
    run(workers, task, task.first_line, band.row * conv.out_h + band.last);
  }
}

void multiply(Workers& workers, const QuantizedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out) {
  QuantizedTask task = make_task(weights, options.residual, options.activation, out);
  const std::int64_t tokens = x.shape.pixels();
  task.conv.out_w = kLinePixels;
  task.conv.out_h = divide_up(tokens, kLinePixels);
  task.line_bytes = kLinePixels * task.pixel_bytes;
  task.quantized_by_pixel = true;
  auto* quantizations =
      reinterpret_cast<Quantization*>(workers.shared(2 * tokens + divide_up(tokens * task.pixel_bytes, 4)));
  auto* bytes = reinterpret_cast<std::uint8_t*>(quantizations + tokens);
  task.quantization = quantizations;
  task.x = bytes;
  const std::int64_t parts = std::min(tokens, std::max<std::int64_t>(1, tokens * x.shape.c / kRoundedValues));
  workers.pool().parallel_for(parts, [&](std::int64_t part, int) {
    for (std::int64_t token = tokens * part / parts; token < tokens * (part + 1) / parts; ++token) {
      const float* from = x.as<const float>() + token * x.stride;
      quantizations[token] = quantization_of(value_range(from, x.stride, 1, x.shape.c));
      quantize_line({.x = from,
                     .x_stride = x.stride,
                     .channels = x.shape.c,
                     .width = 1,
                     .pixels = 1,
                     .out = bytes + token * task.pixel_bytes},
                    quantizations[token]);
    }
  });
  run(workers, task, 0, task.conv.out_h);
}

}  // namespace streamdiffusion::cpu
