#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

namespace streamdiffusion {

/// A change of a weight or a bias by one tensor that an adapter file holds as it is.
struct TensorChange {
  enum class Kind : std::uint8_t {
    add,            ///< Whole differences: LyCORIS's `diff` and `w_norm`, peft's `lora_B.bias`.
    replace,        ///< Weights that were trained themselves: peft's `modules_to_save`.
    scale_outputs,  ///< One factor for each output channel (IA3).
    scale_inputs,   ///< One factor for each input channel (IA3 of feedforward layers).
  };
  Kind kind = Kind::add;
  const FileTensor* values = nullptr;
  float factor = 1.0F;  ///< Multiplies the values of `add`: alpha / rank for the bias of a LoRA.
};

/// Throws Error, beginning with `where`, where the values do not fit a tensor of this shape or are no
/// floating-point numbers.
void check_change(const TensorChange& change, const LayerShape& shape, const std::string& where);

/// Changes `tensor` ([out][in][pixels]; a bias has one input) by `scale` times the change: 0 leaves it as it
/// is, 1 applies the change as it was trained.
void apply_change(const TensorChange& change, float scale, const LayerShape& shape, std::span<float> tensor);

}  // namespace streamdiffusion
