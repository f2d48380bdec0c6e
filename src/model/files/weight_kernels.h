#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace streamdiffusion {

// Loops over all elements of a weight. They use the best of several instruction sets at run time.

/// Converts float16 to float32. `in` holds two bytes for each element of `out`, at any alignment.
void float_from_f16(const std::byte* in, std::span<float> out);
/// Converts bfloat16 to float32. `in` holds two bytes for each element of `out`, at any alignment.
void float_from_bf16(const std::byte* in, std::span<float> out);

/// True if no value is NaN or infinite.
bool is_finite(std::span<const float> values);

/// weight[rows][columns] += left[rows][rank] * right[rank][columns], all row-major.
void add_product(const float* left, const float* right, std::int64_t rows, std::int64_t rank,
                 std::int64_t columns, float* weight);

}  // namespace streamdiffusion
