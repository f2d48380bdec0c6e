#pragma once

#include <cstdint>

#include "device/cpu/elements.h"
#include "device/cpu/features.h"
#include "device/cpu/rounding.h"

// Keys and values packed for attention in reduced precision (reduced_attention.h).
namespace streamdiffusion::cpu {

/// Keys that are looked at together.
constexpr std::int64_t kReducedKeys = 256;

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
  Features features;             ///< that it is multiplied with

  [[nodiscard]] std::int64_t key_bytes() const;
  [[nodiscard]] std::int64_t value_bytes() const;
};
void pack_reduced_keys(const Elements& k, std::int64_t stride, const ReducedHeads& heads,
                       std::uint8_t* packed);
void pack_reduced_values(const Elements& v, std::int64_t stride, const ReducedHeads& heads,
                         std::uint8_t* packed);

}  // namespace streamdiffusion::cpu
