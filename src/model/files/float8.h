#pragma once

#include <cstddef>
#include <span>

namespace streamdiffusion {

/// Converts float8_e4m3fn to float32: 4 exponent bits with bias 7, 3 mantissa bits, NaN but no infinity.
void float_from_f8_e4m3(const std::byte* in, std::span<float> out);
/// Converts float8_e5m2 to float32: 5 exponent bits, 2 mantissa bits, the upper byte of a float16.
void float_from_f8_e5m2(const std::byte* in, std::span<float> out);

}  // namespace streamdiffusion
