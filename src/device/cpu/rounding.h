#pragma once

#include <cstdint>

#include "device/cpu/elements.h"

// Activations rounded to the 8 or 16 bits that layers multiply in. The unit of these layers is four bytes:
// four numbers of 8 bits or two of 16 bits, which one instruction multiplies and adds.
namespace streamdiffusion::cpu {

constexpr std::int64_t kUnit = 4;

/// How a layer's weights and inputs are written.
enum class Format {
  int8,   ///< weights as signed, inputs as unsigned bytes, each with a scale
  int16,  ///< both as signed numbers of 16 bits, with scales
  bf16,   ///< bfloat16
};
constexpr std::int64_t format_bytes(Format format) { return format == Format::int8 ? 1 : 2; }

/// Numbers no larger than this are not told apart from zero: what divides by their size stays finite.
constexpr float kSmallestRange = 1e-30F;

/// How activations are written as bytes: x = scale * (byte - zero). Zero itself is exact.
struct Quantization {
  float scale = 1.0F;
  std::int32_t zero = 0;
};

/// The smallest and largest of some values and zero.
struct ValueRange {
  float low = 0.0F;
  float high = 0.0F;
};
ValueRange value_range(const Elements& x, std::int64_t stride, std::int64_t pixels, std::int64_t channels);
/// The finest that holds the range.
Quantization quantization_of(const ValueRange& range);

/// A line of a picture in a format, with a border of zeros and each pixel filled up to whole units.
struct ReducedLine {
  Elements x;  ///< the line; empty: zeros
  std::int64_t x_stride = 0;
  std::int64_t channels = 0;
  std::int64_t width = 0;   ///< pixels of the line
  std::int64_t left = 0;    ///< zeros before the line
  std::int64_t pixels = 0;  ///< to be written
  std::uint8_t* out = nullptr;
};
/// The quantization is that of bytes.
void round_line(const ReducedLine& line, Format format, const Quantization& quantization);

}  // namespace streamdiffusion::cpu
