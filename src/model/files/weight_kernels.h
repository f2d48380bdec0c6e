#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace streamdiffusion {

// Loops over whole weights, compiled for several instruction sets, the best chosen at run time.

/// float16 (two bytes an element, any alignment) to float32.
void float_from_f16(const std::byte* in, std::span<float> out);
/// bfloat16 (two bytes an element, any alignment) to float32.
void float_from_bf16(const std::byte* in, std::span<float> out);

/// Returns true if no value is NaN or infinite.
bool is_finite(std::span<const float> values);

/// weight [rows][columns] += left [rows][rank] * right [rank][columns].
void add_product(const float* left, const float* right, std::int64_t rows, std::int64_t rank,
                 std::int64_t columns, float* weight);

}  // namespace streamdiffusion
