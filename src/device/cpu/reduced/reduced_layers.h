#pragma once

#include <cstdint>

#include "device/cpu/reduced/reduced.h"
#include "device/cpu/reduced/reduced_kernel.h"
#include "device/cpu/threads/scratch.h"
#include "device/cpu/threads/task_size.h"
#include "device/device.h"

// The two steps of a layer in reduced precision: all threads round its input, then they multiply it.
namespace streamdiffusion::cpu {

/// Memory for a rounded input and its quantisations.
struct RoundedInput {
  std::uint8_t* bytes;  ///< Aligned to a cache line, so that pixels of 64-byte steps do not straddle two.
  Quantization* quantizations;  ///< One for each image or token.
  ValueRange* ranges;           ///< One for each line.
};
/// Takes so many of each from the workers' shared memory; valid until the next use of that memory.
RoundedInput allocate_rounded(Workers& workers, std::int64_t bytes, std::int64_t quantizations,
                              std::int64_t ranges);

/// Splits `count` lines or tokens of `values_each` elements and calls part(first, last) on all threads.
template <typename Part>
void for_rounding_parts(Workers& workers, std::int64_t count, std::int64_t values_each, const Part& part) {
  workers.pool().parallel_for_ranges(count, task_count(Work::rounded_elements, count * values_each, count),
                                     [&](std::int64_t first, std::int64_t last, int) { part(first, last); });
}

/// Computes a task, whose input has been rounded, on all threads.
void run(Workers& workers, const ReducedTask& task);

/// True if a matrix product can read its input in place: it is bfloat16, its channels fill whole steps, and
/// the number of its tokens is a multiple of a tile's rows.
bool can_read_in_place(const ReducedMatrix& weights, const Tensor& x);
/// Computes a linear layer on all threads. Rounds the input first, unless it can be read in place.
void multiply(Workers& workers, const ReducedMatrix& weights, const Tensor& x, const LinearOptions& options,
              const Tensor& out);

}  // namespace streamdiffusion::cpu
