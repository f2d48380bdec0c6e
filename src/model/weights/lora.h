#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/files/safetensors.h"
#include "model/weights/lora_change.h"

namespace streamdiffusion {

/// A LoRA file read: which layers of which network it changes. LoRA with LoCon's convolutions, LoHa, LoKr,
/// each also with DoRA. Immutable.
class Lora {
 public:
  /// Which network a layer belongs to.
  enum class Network : std::uint8_t { unet, text_encoder };

  /// `unet_layers`, `text_encoder_layers`: the layers that the model has, without ".weight", in diffusers'
  /// and transformers' naming (text encoder without the "text_model." prefix). Keys that match none go to
  /// `unmatched`. Throws Error where a layer's parts are not all there, do not fit one another, or belong to
  /// another method.
  Lora(std::shared_ptr<const SafeTensors> file, const std::vector<std::string>& unet_layers,
       const std::vector<std::string>& text_encoder_layers);

  /// nullptr where the layer is not touched.
  [[nodiscard]] const LoraChange* find(Network network, const std::string& layer) const;
  [[nodiscard]] const std::vector<std::string>& unmatched() const { return unmatched_; }
  [[nodiscard]] const std::string& name() const { return file_->name(); }

 private:
  std::shared_ptr<const SafeTensors> file_;
  std::map<std::string, LoraChange> unet_;
  std::map<std::string, LoraChange> text_encoder_;
  std::vector<std::string> unmatched_;
};

}  // namespace streamdiffusion
