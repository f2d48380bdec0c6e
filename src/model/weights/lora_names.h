#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A parsed key of a LoRA file.
struct LoraKey {
  enum class Part : std::uint8_t {
    down,
    up,
    mid,
    diagonal,  ///< AdaLoRA's singular values, one per rank.
    alpha,
    up_bias,         ///< peft's `lora_bias`.
    dora_scale,      ///< DoRA's lengths as LyCORIS writes them.
    dora_magnitude,  ///< DoRA's lengths as peft writes them.
    hada_w1_a,
    hada_w1_b,
    hada_t1,
    hada_w2_a,
    hada_w2_b,
    hada_t2,
    lokr_w1,
    lokr_w1_a,
    lokr_w1_b,
    lokr_w2,
    lokr_w2_a,
    lokr_w2_b,
    lokr_t2,
    vera_lambda_b,
    vera_lambda_d,
    oft_triangles,
    ia3,
    difference,       ///< Difference of a whole weight, norms included.
    bias_difference,  ///< Difference of a whole bias.
    weight,           ///< A whole weight that replaces the model's.
    bias,             ///< A whole bias that replaces the model's.
    unsupported,  ///< A part of an unsupported method, without which the others would mean another change.
  };
  std::string layer;  ///< The key without the part.
  Part part = Part::down;
  std::string_view method = {};  ///< Name of an unsupported part's method.
};

/// Parses a key. Returns nothing if it does not end like an adapter's key.
std::optional<LoraKey> parse_lora_key(std::string_view key);

/// Finds layers by their names in LoRA files: those of diffusers, kohya, peft, LyCORIS, OneTrainer, ComfyUI
/// and the oldest processors. All may also use the block names of the original Stable Diffusion.
class LoraLayerNames {
 public:
  LoraLayerNames(const std::vector<std::string>& unet_layers,
                 const std::vector<std::string>& text_encoder_layers);

  struct FoundLayer {
    bool unet = true;  ///< False for the text encoder.
    std::string layer;
  };
  /// Finds a layer by its name in a key without the part. Returns nothing if the model has no such layer.
  [[nodiscard]] std::optional<FoundLayer> find(std::string_view layer_in_key) const;
  /// Finds the layer whose name, up to some dot, a key begins with.
  [[nodiscard]] std::optional<FoundLayer> find_beginning(std::string_view key) const;

 private:
  std::map<std::string, std::string, std::less<>> unet_;  // layers by their name with "_" for "."
  std::map<std::string, std::string, std::less<>> text_encoder_;
};

}  // namespace streamdiffusion
