#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "model/files/safetensors.h"
#include "model/weights/layer_shape.h"

namespace streamdiffusion {

/// A change of a weight or bias by one unmodified tensor of an adapter file.
struct TensorChange {
  enum class Kind : std::uint8_t {
    add,            ///< Adds a difference: LyCORIS's `diff` and `w_norm`, peft's `lora_B.bias`.
    replace,        ///< Replaces the values: peft's `modules_to_save`.
    scale_outputs,  ///< Multiplies each output channel by a factor (IA3).
    scale_inputs,   ///< Multiplies each input channel by a factor (IA3 of feedforward layers).
  };
  Kind kind = Kind::add;
  const FileTensor* values = nullptr;
  float factor = 1.0F;  ///< Factor of `add`: alpha / rank for a LoRA's bias.
};

/// Throws Error that begins with `where` if the values do not fit this shape or are not floating-point.
void check_change(const TensorChange& change, const LayerShape& shape, const std::string& where);

/// Applies the change to `tensor` [out][in][pixels]; a bias has one input. `scale` 0 changes nothing, 1
/// applies the change as trained.
void apply_change(const TensorChange& change, float scale, const LayerShape& shape, std::span<float> tensor);

}  // namespace streamdiffusion
