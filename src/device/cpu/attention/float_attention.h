#pragma once

#include <cstdint>

#include "device/cpu/attention/attention_task.h"
#include "device/cpu/simd/elements.h"

// Attention in float32.
namespace streamdiffusion::cpu {

/// Layout of the packed keys and values of one head of one row. Keys are panels of tokens,
/// [panel][channel][token], values panels of channels, [panel][token][channel]; both are padded to whole
/// vectors.
struct FloatHeads {
  /// Most queries of a task: eight tiles of 6 rows, the most that AVX2 and AVX-512 have at full panel width.
  static constexpr std::int64_t kMostQueries = 48;

  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;

  /// Bytes of the packed keys.
  [[nodiscard]] std::int64_t key_bytes() const;
  /// Bytes of the packed values.
  [[nodiscard]] std::int64_t value_bytes() const;
};
/// Packs the keys of a head. `k` is its first channel of the first token; tokens are `stride` elements apart.
void pack_keys(const Elements& k, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed);
/// Packs the values of a head, like pack_keys.
void pack_values(const Elements& v, std::int64_t stride, const FloatHeads& heads, std::uint8_t* packed);

/// Returns the floats of scratch memory that attention_task needs.
std::int64_t attention_scratch(const FloatHeads& heads);
/// Computes a task on the calling thread.
void attention_task(const AttentionTask& task, const FloatHeads& heads, float* scratch);

}  // namespace streamdiffusion::cpu
