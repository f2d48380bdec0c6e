#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace streamdiffusion {

/// A key of a LoRA file taken apart.
struct LoraKey {
  enum class Part : std::uint8_t {
    down,
    up,
    mid,
    diagonal,  ///< AdaLoRA's singular values, one a rank
    alpha,
    up_bias,         ///< peft's `lora_bias`
    dora_scale,      ///< DoRA's lengths as LyCORIS writes them
    dora_magnitude,  ///< DoRA's lengths as peft writes them
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
    difference,       ///< of the whole weight, norms included
    bias_difference,  ///< of the whole bias
    weight,           ///< a whole weight that takes the place of the model's
    bias,             ///< a whole bias
    unsupported,
  };
  std::string layer;  ///< what is left of the key without the part
  Part part = Part::down;
  std::string_view method = {};  ///< of `unsupported`: the method's name
};

/// nullopt where the key ends in nothing that an adapter has. `unsupported`: a part of other methods, without
/// which the rest would mean another change.
std::optional<LoraKey> parse_lora_key(std::string_view key);

/// Finds layers by the names that LoRA files give them: diffusers', kohya's, peft's, LyCORIS's, OneTrainer's,
/// ComfyUI's, those of the oldest processors, each also with the block names of the original Stable
/// Diffusion.
class LoraLayerNames {
 public:
  LoraLayerNames(const std::vector<std::string>& unet_layers,
                 const std::vector<std::string>& text_encoder_layers);

  struct Found {
    bool unet = true;  ///< else the text encoder
    std::string layer;
  };
  [[nodiscard]] std::optional<Found> find(std::string_view layer_in_key) const;
  /// The layer whose name a key begins with, whatever follows behind a dot.
  [[nodiscard]] std::optional<Found> find_beginning(std::string_view key) const;

 private:
  std::map<std::string, std::string, std::less<>> unet_;  // by names with "_" for "."
  std::map<std::string, std::string, std::less<>> text_encoder_;
};

}  // namespace streamdiffusion
