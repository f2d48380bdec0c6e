#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "model/files/safetensors.h"

namespace streamdiffusion {

/// A matrix of a LoRA file: as it is, or as a product. Rows are output channels, columns input channels times
/// the kernel's pixels.
struct LoraMatrix {
  const FileTensor* whole = nullptr;  ///< else the product of the others
  const FileTensor* left = nullptr;   ///< [rows, rank], with a kernel where `right` has none
  const FileTensor* right = nullptr;  ///< [rank, columns], with or without a kernel
  /// Tucker's core [rank, rank, k, k] between them (`lora_mid`, `hada_t1`, `lokr_t2`).
  const FileTensor* core = nullptr;
  bool left_is_transposed = false;  ///< [rank, rows], as LoHa and LoKr have it beside a core
};

/// What a LoRA, LoHa or LoKr does to one layer: weight += scale * factor * delta, where delta is a matrix, or
/// two multiplied element by element (LoHa) or by Kronecker's product (LoKr). With DoRA what comes of it is
/// then brought to given lengths.
struct LoraChange {
  enum class Kind : std::uint8_t { lora, loha, lokr };
  Kind kind = Kind::lora;
  LoraMatrix first = {};
  LoraMatrix second = {};  ///< of loha and lokr
  float factor = 1.0F;     ///< alpha / rank

  /// DoRA: the length of each output's weights, or of each input's where `lengths_of_inputs`.
  const FileTensor* lengths = nullptr;
  bool lengths_of_inputs = false;
};

/// The weights of a layer as a matrix: [out][in][pixels].
struct LayerShape {
  std::int64_t out = 0;
  std::int64_t in = 0;
  std::int64_t pixels = 1;  ///< of a convolution's kernel
};

/// Throws Error, beginning with `where`, where the parts of a change do not fit one another.
void check_change(const LoraChange& change, const std::string& where);

/// Changes `weight` ([out][in][pixels]). `base`: the layer's weight without any LoRA, which DoRA needs; may
/// be `weight` itself where this is the first. Throws Error where the change does not fit the layer.
void apply_change(const LoraChange& change, float scale, const LayerShape& shape, std::span<const float> base,
                  std::span<float> weight, const std::string& where);

}  // namespace streamdiffusion
