#pragma once

#include <algorithm>
#include <cstdint>

// The number of tasks that an operation is divided into.
namespace streamdiffusion::cpu {

/// Kinds of work. The values are what a core of Zen 4 does in one to four microseconds (measured 2026-11). A
/// smaller task would not be worth handing to another thread.
enum class Work : std::int64_t {
  elements = 12'000,                  ///< Elements that are read, computed with and written.
  rounded_elements = 50'000,          ///< Elements that are rounded to int8 or bf16.
  multiplications = 200'000,          ///< Multiplications of matrix products in float32.
  reduced_multiplications = 600'000,  ///< Multiplications in int8; in bf16 each counts twice.
};

/// Most tasks that matrix products are divided into for each thread. With a few, a thread that the system
/// holds up delays little.
constexpr std::int64_t kMostTasksPerThread = 8;

/// Returns the number of tasks that so much work is worth: at least one, but never more than `most`.
constexpr std::int64_t task_count(Work kind, std::int64_t amount, std::int64_t most) {
  return std::min(most, std::max<std::int64_t>(1, amount / static_cast<std::int64_t>(kind)));
}

}  // namespace streamdiffusion::cpu
