#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

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

  /// Tensors above that are not in the file but computed from it.
  std::vector<std::shared_ptr<const FileTensor>> computed = {};
};

/// Throws Error, beginning with `where`, where the parts of a change do not fit one another.
void check_parts(const LoraChange& change, const std::string& where);

/// Throws Error, beginning with `where`, where the parts do not fit one another or the layer.
void check_change(const LoraChange& change, const LayerShape& shape, const std::string& where);

/// Changes `weight` ([out][in][pixels]), to which other adapters may have been applied before. As in peft,
/// DoRA rescales all that is there by the factor that brings `base`, the weight without any adapter, with
/// this change alone to the given lengths. `base` may be `weight` itself where this adapter is the first. The
/// change must have passed check_change.
void apply_change(const LoraChange& change, float scale, const LayerShape& shape, std::span<const float> base,
                  std::span<float> weight);

}  // namespace streamdiffusion
