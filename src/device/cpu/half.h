#pragma once

#include <cstdint>

namespace streamdiffusion::cpu {

/// A float16 (IEEE 754 binary16), as most models' files have their weights.
struct Half {
  std::uint16_t bits;
};

/// Whether each of the values is a float16's.
bool fits_half(const float* values, std::int64_t count);
/// To the nearest.
void to_half(const float* from, std::int64_t count, Half* to);

}  // namespace streamdiffusion::cpu
