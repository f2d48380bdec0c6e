#pragma once

#include <cstdint>

#include "device/cpu/attention/reduced_heads.h"
#include "device/cpu/simd/elements.h"

// Attention in reduced precision. Queries and keys are bf16 or int8 (SageAttention; Zhang et al., arXiv
// 2410.02367), softmax weights and values bf16 or int16. The bf16 formats need Features::bf16.
namespace streamdiffusion::cpu {

/// Most queries of a task.
constexpr std::int64_t kReducedQueries = 64;

/// Attention of some queries of one head to the packed keys and values of `key_rows` rows of the batch.
/// Strides of `q` and `out` are elements from token to token.
struct ReducedAttentionTask {
  Elements q;  ///< The head's channels of the first query.
  std::int64_t q_stride = 0;
  Elements out;  ///< The head's channels of the first output.
  std::int64_t out_stride = 0;
  std::int64_t queries = 0;              ///< At most kReducedQueries.
  const std::uint8_t* keys = nullptr;    ///< Packed keys of the first row.
  const std::uint8_t* values = nullptr;  ///< Packed values of the first row.
  std::int64_t row_bytes = 0;            ///< Bytes from row to row, of keys and of values.
  std::int64_t key_rows = 1;             ///< Number of rows attended to.
  ReducedHeads heads;
};
/// Floats of scratch memory that reduced_attention_task needs.
std::int64_t reduced_attention_scratch(const ReducedHeads& heads);
/// Computes a task on the calling thread.
void reduced_attention_task(const ReducedAttentionTask& task, float* scratch);

}  // namespace streamdiffusion::cpu
