#include "model/files/float8.h"

#include <array>
#include <cmath>
#include <limits>

namespace streamdiffusion {
namespace {

/// The float32 value of each of the 256 bit patterns.
using Values = std::array<float, 256>;

/// `bias` is the exponent's. With `has_infinity` the largest exponent stands for infinity and NaN; without
/// it, only its largest mantissa is NaN.
Values make_values(int exponent_bits, int mantissa_bits, int bias, bool has_infinity) {
  const int mantissas = 1 << mantissa_bits;
  const int largest_exponent = (1 << exponent_bits) - 1;
  Values values{};
  for (int bits = 0; bits < 128; ++bits) {
    const int exponent = bits >> mantissa_bits;
    const int mantissa = bits % mantissas;
    float value = exponent == 0
                      ? std::ldexp(static_cast<float>(mantissa), 1 - bias - mantissa_bits)
                      : std::ldexp(static_cast<float>(mantissas + mantissa), exponent - bias - mantissa_bits);
    if (exponent == largest_exponent && (has_infinity ? mantissa > 0 : mantissa == mantissas - 1)) {
      value = std::numeric_limits<float>::quiet_NaN();
    } else if (exponent == largest_exponent && has_infinity) {
      value = std::numeric_limits<float>::infinity();
    }
    values[static_cast<std::size_t>(bits)] = value;
    values[static_cast<std::size_t>(bits) + 128] = -value;
  }
  return values;
}

void look_up(const Values& values, const std::byte* in, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = values[std::to_integer<std::size_t>(in[i])];
  }
}

}  // namespace

void float_from_f8_e4m3(const std::byte* in, std::span<float> out) {
  static const Values values = make_values(4, 3, 7, false);
  look_up(values, in, out);
}

void float_from_f8_e5m2(const std::byte* in, std::span<float> out) {
  static const Values values = make_values(5, 2, 15, true);
  look_up(values, in, out);
}

}  // namespace streamdiffusion
