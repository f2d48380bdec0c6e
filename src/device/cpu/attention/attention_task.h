#pragma once

#include <cstdint>

#include "device/cpu/simd/elements.h"

namespace streamdiffusion::cpu {

/// Attention of some queries of one head to the packed keys and values of `key_rows` rows of the batch.
/// Strides of `q` and `out` are elements from token to token.
struct AttentionTask {
  Elements q;  ///< The head's channels of the first query.
  std::int64_t q_stride = 0;
  Elements out;  ///< The head's channels of the first output.
  std::int64_t out_stride = 0;
  std::int64_t queries = 0;              ///< At most kMostQueries of the heads' type.
  std::int64_t first_query = 0;          ///< Position of the first query, for the causal mask.
  bool causal = false;                   ///< True only in float32.
  const std::uint8_t* keys = nullptr;    ///< Packed keys of the first row.
  const std::uint8_t* values = nullptr;  ///< Packed values of the first row.
  std::int64_t row_bytes = 0;            ///< Bytes from row to row, of keys and of values.
  std::int64_t key_rows = 1;             ///< Number of rows attended to.
};

}  // namespace streamdiffusion::cpu
