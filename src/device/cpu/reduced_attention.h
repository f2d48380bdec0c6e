#pragma once

#include <cstdint>

#include "device/cpu/elements.h"
#include "device/cpu/reduced_heads.h"

// Attention in reduced precision, as kernels.h has it in float32: weights and values in bfloat16 or in whole
// numbers of 16 bits, queries and keys in bfloat16 or in signed bytes (SageAttention; Zhang et al., arXiv
// 2410.02367). With bfloat16 to be called only where Features has bf16.
namespace streamdiffusion::cpu {

/// Queries of a task at most.
constexpr std::int64_t kReducedQueries = 64;

/// Attention of some queries of one head to the packed keys and values of `key_rows` rows.
struct ReducedAttentionTask {
  Elements q;
  std::int64_t q_stride = 0;
  Elements out;
  std::int64_t out_stride = 0;
  std::int64_t queries = 0;            ///< at most kReducedQueries
  const std::uint8_t* keys = nullptr;  ///< of the first row
  const std::uint8_t* values = nullptr;
  std::int64_t row_bytes = 0;  ///< from row to row of both
  std::int64_t key_rows = 1;
  ReducedHeads heads;
};
/// Floats of scratch memory that reduced_attention_task needs.
std::int64_t reduced_attention_scratch(const ReducedHeads& heads);
void reduced_attention_task(const ReducedAttentionTask& task, float* scratch);

}  // namespace streamdiffusion::cpu
