#include "device/cpu/reduced/padded_lines.h"

#include <cstring>

namespace streamdiffusion::cpu {

Elements PaddedLines::source(std::int64_t line) const {
  const std::int64_t y = line % lines - top;
  if (y < 0 || y >= height) {
    return {nullptr, first.type};
  }
  return first + (line / lines * image_pitch + y * line_pitch);
}

ValueRange PaddedLines::range(std::int64_t line) const {
  const Elements x = source(line);
  return x.empty() ? ValueRange{} : value_range(x, stride, width, channels);
}

ReducedLine PaddedLines::line(std::int64_t line, std::uint8_t* out) const {
  return {.x = source(line),
          .x_stride = stride,
          .channels = channels,
          .width = width,
          .left = left,
          .pixels = pixels,
          .out = out};
}

Quantization round_lines(const ReducedTask& task, const PaddedLines& lines, std::uint8_t* out) {
  Quantization quantization;
  if (task.format == Format::int8) {
    ValueRange range;
    for (std::int64_t line = 0; line < lines.count(); ++line) {
      range = join(range, lines.range(line));
    }
    quantization = quantization_of(range);
  }
  for (std::int64_t line = 0; line < lines.count(); ++line) {
    round_line(lines.line(line, out + line * task.line_bytes), task.format, quantization, task.features);
  }
  std::memset(out + lines.count() * task.line_bytes, 0, static_cast<std::size_t>(bytes_read_beyond(task)));
  return quantization;
}

}  // namespace streamdiffusion::cpu
