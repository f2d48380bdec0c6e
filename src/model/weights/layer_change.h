#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>

#include "model/weights/layer_shape.h"
#include "model/weights/lora_change.h"
#include "model/weights/rotation.h"
#include "model/weights/tensor_change.h"

namespace streamdiffusion {

/// The change that one adapter file makes to one layer.
struct LayerChange {
  using Weight = std::variant<LoraChange, TensorChange, Rotation>;
  std::optional<Weight> weight;
  std::optional<TensorChange> bias;

  /// True if the change adds a bias to a layer without one.
  [[nodiscard]] bool adds_bias() const {
    return bias && (bias->kind == TensorChange::Kind::add || bias->kind == TensorChange::Kind::replace);
  }
  /// True if the change depends on the layer's weight before any adapter.
  [[nodiscard]] bool needs_base() const {
    const auto* const lora = weight ? std::get_if<LoraChange>(&*weight) : nullptr;
    return lora != nullptr && lora->lengths != nullptr;
  }
};

/// Throws Error that begins with `where` if the change does not fit the layer.
void check_change(const LayerChange& change, const LayerShape& shape, const std::string& where);

/// Changes `weight` [out][in][pixels], which other adapters may have changed before. `base` is the weight
/// before all adapters; it may be `weight` itself for the first one.
void apply_change(const LayerChange::Weight& change, float scale, const LayerShape& shape,
                  std::span<const float> base, std::span<float> weight);

}  // namespace streamdiffusion
