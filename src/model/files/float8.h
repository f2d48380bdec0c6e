#pragma once

#include <cstddef>
#include <span>

namespace streamdiffusion {

/// float8_e4m3fn (4 bits of exponent with bias 7, 3 of mantissa, NaN, no infinity) to float32.
void float_from_f8_e4m3(const std::byte* in, std::span<float> out);
/// float8_e5m2 (5 bits of exponent, 2 of mantissa: the upper byte of a float16) to float32.
void float_from_f8_e5m2(const std::byte* in, std::span<float> out);

}  // namespace streamdiffusion
