#pragma once

#include <cmath>
#include <cstdint>

#include "device/cpu/features.h"
#include "device/cpu/simd/elements.h"

// Rounds activations to the int8 or bf16 that reduced layers multiply. These layers work in units of four
// bytes (four int8 or two 16-bit numbers), which one lane of an instruction multiplies and adds up.
namespace streamdiffusion::cpu {

/// Bytes of a unit.
constexpr std::int64_t kUnit = 4;

/// The types that a layer's weights and inputs are rounded to.
enum class Format {
  int8,   ///< Weights are int8, inputs unsigned int8 with a zero point; each has scales.
  int16,  ///< Both are int16 with scales.
  bf16,   ///< Both are bfloat16.
};
constexpr std::int64_t format_bytes(Format format) { return format == Format::int8 ? 1 : 2; }

/// Lower limit of the magnitudes that scales are computed from, so that the scales' reciprocals stay finite.
constexpr float kSmallestRange = 1e-30F;

/// Quantisation of activations to unsigned int8: x = scale * (byte - zero). Represents zero exactly.
struct Quantization {
  float scale = 1.0F;
  std::int32_t zero = 0;
};

/// Range of some values and zero: low <= 0 <= high.
struct ValueRange {
  float low = 0.0F;
  float high = 0.0F;
};
/// Returns the range of both. NaN in either one stays.
inline ValueRange join(const ValueRange& a, const ValueRange& b) {
  return {a.low < b.low || std::isnan(a.low) ? a.low : b.low,
          a.high > b.high || std::isnan(a.high) ? a.high : b.high};
}
/// Returns the range of `pixels` pixels of `channels` elements each, which begin `stride` elements apart. One
/// of its ends is NaN if a value is.
ValueRange value_range(const Elements& x, std::int64_t stride, std::int64_t pixels, std::int64_t channels);
/// Returns the quantisation with the smallest step that covers the range. Its scale is not finite if the
/// range is not, so that products with the quantised values are not finite either.
Quantization quantization_of(const ValueRange& range);

/// An image's line to be rounded, with zero pixels before and after it. Rounded pixels are padded to units.
struct ReducedLine {
  Elements x;                   ///< First pixel of the line; empty for a line of zeros.
  std::int64_t x_stride = 0;    ///< Elements from pixel to pixel of `x`.
  std::int64_t channels = 0;    ///< Channels of a pixel.
  std::int64_t width = 0;       ///< Pixels that `x` has.
  std::int64_t left = 0;        ///< Zero pixels before them.
  std::int64_t pixels = 0;      ///< Pixels to write, padding included.
  std::uint8_t* out = nullptr;  ///< Where to write.
};
/// Writes a line as int8 or bf16. `quantization` is used by int8 alone. bf16 is rounded by the processor's
/// instruction if `features` has it. Throws std::logic_error for int16.
void round_line(const ReducedLine& line, Format format, const Quantization& quantization,
                const Features& features);

}  // namespace streamdiffusion::cpu
