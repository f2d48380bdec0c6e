#include "model/weights/layer_change.h"

namespace streamdiffusion {

void check_change(const LayerChange& change, const LayerShape& shape, const std::string& where) {
  if (change.weight) {
    std::visit([&](const auto& weight) { check_change(weight, shape, where); }, *change.weight);
  }
  if (change.bias) {
    check_change(*change.bias, {.out = shape.out, .in = 1}, where + ", its bias");
  }
}

void apply_change(const LayerChange::Weight& change, float scale, const LayerShape& shape,
                  std::span<const float> base, std::span<float> weight) {
  if (const auto* const lora = std::get_if<LoraChange>(&change)) {
    apply_change(*lora, scale, shape, base, weight);
  } else if (const auto* const tensor = std::get_if<TensorChange>(&change)) {
    apply_change(*tensor, scale, shape, weight);
  } else {
    apply_change(std::get<Rotation>(change), scale, weight);
  }
}

}  // namespace streamdiffusion
