#include "model/weights/lora.h"

#include <optional>
#include <utility>

#include "model/weights/lora_names.h"
#include "model/weights/lora_parts.h"
#include "model/weights/peft_metadata.h"

namespace streamdiffusion {

Lora::Lora(std::shared_ptr<const SafeTensors> file, const std::vector<std::string>& unet_layers,
           const std::vector<std::string>& text_encoder_layers)
    : file_(std::move(file)) {
  const LoraLayerNames names(unet_layers, text_encoder_layers);
  const PeftMetadata metadata(file_->metadata(), name());
  std::map<std::pair<Network, std::string>, LoraParts> layers;
  for (const auto& [key, tensor] : file_->tensors()) {
    const std::optional<LoraKey> parsed = parse_lora_key(key);
    const auto found = parsed ? names.find(parsed->layer) : std::nullopt;
    if (found) {
      const Network network = found->unet ? Network::unet : Network::text_encoder;
      layers[{network, found->layer}].add(parsed->part, key, tensor, name());
    } else {
      unmatched_.push_back(key);
    }
  }
  for (const auto& [place, parts] : layers) {
    const auto& [network, layer] = place;
    const bool unet = network == Network::unet;
    (unet ? unet_ : text_encoder_)[layer] =
        parts.change(name(), metadata.find(unet ? "unet" : "text_encoder", layer));
  }
}

const LoraChange* Lora::find(Network network, const std::string& layer) const {
  const auto& changes = network == Network::unet ? unet_ : text_encoder_;
  const auto found = changes.find(layer);
  return found == changes.end() ? nullptr : &found->second;
}

}  // namespace streamdiffusion
