#pragma once

#include <algorithm>
#include <cstdint>

#include "device/cpu/reduced.h"
#include "device/cpu/reduced_kernel.h"
#include "device/cpu/scratch.h"
#include "device/device.h"

// What layers in reduced precision consist of: their input is rounded on all threads, then multiplied.
namespace streamdiffusion::cpu {

/// A rounded input, at the beginning of a page, so that a step of a product lies in one cache line where
/// pixels are whole steps; and what it is rounded with.
struct RoundedInput {
  std::uint8_t* bytes;
  Quantization* quantizations;
  ValueRange* ranges;
};
/// In the workers' shared memory.
RoundedInput allocate_rounded(Workers& workers, std::int64_t bytes, std::int64_t quantizations,
                              std::int64_t ranges);

// Values that are worth a task of rounding.
constexpr std::int64_t kRoundedValues = 50'000;

/// Calls part(first, last) for parts of 0 .. count - 1 lines or tokens on all threads.
template <typename Part>
void for_rounding_parts(Workers& workers, std::int64_t count, std::int64_t values_each, const Part& part) {
  const std::int64_t parts = std::min(count, std::max<std::int64_t>(1, count * values_each / kRoundedValues));
  workers.pool().parallel_for(parts,
                              [&](std::int64_t i, int) { part(count * i / parts, count * (i + 1) / parts); });
}

/// Multiplies on all threads.
void run(Workers& workers, const ReducedTask& task);

/// Whether a matrix product can read its input where it lies: it is bfloat16, of whole steps, and there are
/// as many tokens as are read at a time.
bool can_stay(const ReducedMatrix& weights, const Tensor& x);
void multiply(Workers& workers, const ReducedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
