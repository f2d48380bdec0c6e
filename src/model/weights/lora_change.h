#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

namespace streamdiffusion {

/// A matrix of a LoRA file: one tensor, or a product of several. Rows are output channels, columns are input
/// channels * pixels of the kernel.
struct LoraMatrix {
  const FileTensor* whole = nullptr;  ///< If null, the matrix is the product of the others.
  const FileTensor* left = nullptr;   ///< [rows, rank], with a kernel if `right` has none.
  const FileTensor* right = nullptr;  ///< [rank, columns], with or without a kernel.
  /// Tucker core [rank, rank, k, k] between the two (`lora_mid`, `hada_t1`, `lokr_t2`), or null.
  const FileTensor* core = nullptr;
  /// If true, `left` is [rank, rows], as LoHa and LoKr have it with a core.
  bool left_is_transposed = false;
};

/// The change of one layer by LoRA, LoHa or LoKr: weight += scale * factor * delta. The delta is a matrix, an
/// element-wise product of two (LoHa) or a Kronecker product of two (LoKr). DoRA then rescales the result to
/// given lengths.
struct LoraChange {
  enum class Kind : std::uint8_t { lora, loha, lokr };
  Kind kind = Kind::lora;
  LoraMatrix first = {};
  LoraMatrix second = {};  ///< For loha and lokr only.
  float factor = 1.0F;     ///< alpha / rank.

  /// DoRA: length of the weights of each output channel (input channel if `lengths_of_inputs`), or null.
  const FileTensor* lengths = nullptr;
  bool lengths_of_inputs = false;

  /// Owns tensors above that were computed from the file's.
  std::vector<std::shared_ptr<const FileTensor>> computed = {};
};

/// Throws Error that begins with `where` if the parts of a change do not fit one another.
void check_parts(const LoraChange& change, const std::string& where);

/// Throws Error that begins with `where` if the parts do not fit one another or the layer.
void check_change(const LoraChange& change, const LayerShape& shape, const std::string& where);

/// Changes `weight` [out][in][pixels], which other adapters may have changed before. `base` is the weight
/// before all adapters; it may be `weight` itself for the first one. As in peft, DoRA's factors bring `base`
/// with this change alone to the given lengths, and rescale all of `weight`. The change must have passed
/// check_change.
void apply_change(const LoraChange& change, float scale, const LayerShape& shape, std::span<const float> base,
                  std::span<float> weight);

}  // namespace streamdiffusion
