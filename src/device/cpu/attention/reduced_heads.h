#pragma once

#include <cstdint>

#include "device/cpu/features.h"
#include "device/cpu/simd/elements.h"
#include "device/cpu/simd/rounding.h"

// Keys and values packed for attention in reduced precision (reduced_attention.h).
namespace streamdiffusion::cpu {

/// Tokens in a block of keys, whose scores are computed together: the float32 scores of a task's 64 queries
/// then take 64 KiB of the second-level cache. Keys in int8 have a scale for each block.
constexpr std::int64_t kReducedKeys = 256;

/// Layout of the packed keys and values of one head of one row. Panels are as wide as an AMX tile with AMX,
/// else as those of layers.
///
/// Keys: [panel of tokens][unit of channels][token][number in the unit]. Int8 keys have the mean of all keys
/// subtracted and a scale for each block: key = mean + scale * (byte - 128). After them come the mean
/// [channels] and the scales [block], in float32.
///
/// Values, in blocks of kReducedKeys tokens (half as many in int16; the last is shorter): [panel of channels]
/// [pair of tokens][channel][2]. Int16 values have float32 scales [block][channel], which come after them.
struct ReducedHeads {
  /// Most queries of a task: four AMX tiles of 16 rows.
  static constexpr std::int64_t kMostQueries = 64;

  std::int64_t tokens = 0;
  std::int64_t head_dim = 0;
  Format keys = Format::bf16;    ///< Format of keys and queries: bf16 or, without AMX, int8.
  Format values = Format::bf16;  ///< Format of values and softmax weights: bf16 or, with int8 keys, int16.
  Features features;             ///< Features of the processor that the products use.

  /// Bytes of the packed keys with their scales, in whole cache lines.
  [[nodiscard]] std::int64_t key_bytes() const;
  /// Bytes of the packed values with their scales, in whole cache lines.
  [[nodiscard]] std::int64_t value_bytes() const;
};
/// Packs the keys of a head. `k` is its first channel of the first token; tokens are `stride` elements apart.
void pack_keys(const Elements& k, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed);
/// Packs the values of a head, like pack_keys.
void pack_values(const Elements& v, std::int64_t stride, const ReducedHeads& heads, std::uint8_t* packed);

}  // namespace streamdiffusion::cpu
