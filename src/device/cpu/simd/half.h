#pragma once

#include <cstdint>

namespace streamdiffusion::cpu {

/// A float16 (IEEE 754 binary16), in which most model files store weights.
struct Half {
  std::uint16_t bits;
};

/// True if float16 represents every value exactly; false if one is NaN.
bool fits_half(const float* values, std::int64_t count);
/// Converts `count` values, rounded to nearest.
void to_half(const float* from, std::int64_t count, Half* to);

}  // namespace streamdiffusion::cpu
