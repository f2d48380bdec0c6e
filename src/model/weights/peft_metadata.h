#pragma once

#include <map>
#include <optional>
#include <string>

#include "model/weights/lora_parts.h"

namespace streamdiffusion {

/// What diffusers notes in a LoRA file about how peft scales it (`lora_adapter_metadata`): alphas that are
/// not in the tensors.
class PeftMetadata {
 public:
  /// Throws Error, beginning with `where`, where it is there and malformed.
  PeftMetadata(const std::map<std::string, std::string>& metadata, const std::string& where);

  /// For a layer of "unet" or "text_encoder"; nullopt where nothing is said.
  [[nodiscard]] std::optional<LoraParts::Scaling> find(const std::string& network,
                                                       const std::string& layer) const;

 private:
  struct Network {
    std::optional<float> alpha;
    std::map<std::string, float> alpha_pattern;  ///< by the end of a layer's name
    bool use_rslora = false;
  };
  std::map<std::string, Network> networks_;
};

}  // namespace streamdiffusion
