#pragma once

#include <cstdint>

#include "device/cpu/elements.h"

// Attention in bfloat16 by AMX, as kernels.h has it in float32. To be called only where Features says that
// AMX and AVX512_BF16 are there.
namespace streamdiffusion::cpu {

/// Keys that are looked at together.
constexpr std::int64_t kAmxKeys = 256;
/// Queries of a task at most.
constexpr std::int64_t kAmxQueries = 64;

/// One head of one row of keys and values, packed in panels of a tile's columns. Keys: [panel of tokens][pair
/// of channels][token][2]; values, in blocks of kAmxKeys tokens, the last one shorter: [panel of
/// channels][pair of tokens][channel][2].
struct AmxHeads {
  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;

  [[nodiscard]] std::int64_t key_bytes() const;
  [[nodiscard]] std::int64_t value_bytes() const;
};
void amx_pack_keys(const Elements& k, std::int64_t stride, const AmxHeads& heads, std::uint8_t* packed);
void amx_pack_values(const Elements& v, std::int64_t stride, const AmxHeads& heads, std::uint8_t* packed);

/// Attention of some queries of one head to the packed keys and values of `key_rows` rows.
struct AmxAttentionTask {
  Elements q;
  std::int64_t q_stride = 0;
  Elements out;
  std::int64_t out_stride = 0;
  std::int64_t queries = 0;            ///< at most kAmxQueries
  const std::uint8_t* keys = nullptr;  ///< of the first row
  const std::uint8_t* values = nullptr;
  std::int64_t row_bytes = 0;  ///< from row to row of both
  std::int64_t key_rows = 1;
  AmxHeads heads;
};
/// Floats of scratch memory that amx_attention_task needs.
std::int64_t amx_attention_scratch(const AmxHeads& heads);
void amx_attention_task(const AmxAttentionTask& task, float* scratch);

}  // namespace streamdiffusion::cpu
