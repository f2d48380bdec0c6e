#pragma once

#include <cstdint>

#include "device/cpu/elements.h"
#include "device/cpu/rounding.h"

// Attention in reduced precision, as kernels.h has it in float32: weights and values in bfloat16 or in whole
// numbers of 16 bits, queries and keys in bfloat16 or in signed bytes (SageAttention; Zhang et al., arXiv
// 2410.02367). With bfloat16 to be called only where Features has bf16.
namespace streamdiffusion::cpu {

/// Keys that are looked at together.
constexpr std::int64_t kReducedKeys = 256;
/// Queries of a task at most.
constexpr std::int64_t kReducedQueries = 64;

/// One head of one row of keys and values, packed in panels of columns: with AMX of a tile's, else of as many
/// as layers have. Keys: [panel of tokens][unit of channels][token][number]; values, in blocks of
/// kReducedKeys tokens, or half as many in whole numbers, the last one shorter: [panel of channels][pair of
/// tokens][channel][2].
///
/// Bytes are less the mean of all keys, which the softmax does not see, and have a scale for each block:
/// key = mean + scale * (byte - 128). After the keys come the mean [channels] and the scales, in float32.
/// Values in whole numbers have a scale for each channel of each block; these come after them
/// [block][channel].
struct ReducedHeads {
  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;
  Format keys = Format::bf16;    ///< and queries; bytes not with AMX
  Format values = Format::bf16;  ///< and weights; int16 with keys in bytes
  bool amx = false;              ///< multiplied in tile registers
  bool avx_vnni = false;         ///< as ReducedTask has it

  [[nodiscard]] std::int64_t key_bytes() const;
  [[nodiscard]] std::int64_t value_bytes() const;
};
void pack_reduced_keys(const Elements& k, std::int64_t stride, const ReducedHeads& heads,
                       std::uint8_t* packed);
void pack_reduced_values(const Elements& v, std::int64_t stride, const ReducedHeads& heads,
                         std::uint8_t* packed);

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
