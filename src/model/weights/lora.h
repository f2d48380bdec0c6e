#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/files/safetensors.h"
#include "model/weights/layer_change.h"
#include "model/weights/peft_config.h"

namespace streamdiffusion {

class LoraLayerNames;
class LoraParts;

/// The changes that a LoRA file makes to the layers of a model's networks. Immutable.
class Lora {
 public:
  /// The network that a layer belongs to.
  enum class Network : std::uint8_t { unet, text_encoder };

  /// The layers of the model under diffusers' and transformers' names, without the prefix "text_model.".
  struct Layers {
    LayerShapes unet;
    LayerShapes text_encoder;
  };

  /// Opens a LoRA file, and the adapter_config.json beside it if peft wrote both. Throws Error like the
  /// constructor, and for a folder.
  static std::shared_ptr<const Lora> open(const std::filesystem::path& file, const Layers& layers);

  /// `adapter_config` is the text of the adapter_config.json that belongs to the file, if any. Keys of layers
  /// that the model lacks go to `unmatched`. Throws Error if the file changes nothing, or if a layer's parts
  /// are incomplete, unknown, of several methods, or do not fit.
  Lora(std::shared_ptr<const SafeTensors> file, const Layers& layers,
       const std::optional<std::string>& adapter_config = std::nullopt);

  /// Returns the change of a layer, or nullptr if the file does not change it.
  [[nodiscard]] const LayerChange* find(Network network, const std::string& layer) const;
  [[nodiscard]] const std::vector<std::string>& unmatched() const { return unmatched_; }
  /// Full sentences about reasons why the file's effect may differ from what its maker saw.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] const std::string& name() const { return file_->name(); }

 private:
  using NetworkLayer = std::pair<Network, std::string>;

  void gather(const LoraLayerNames& names, bool is_of_peft, std::map<NetworkLayer, LoraParts>& layers);
  void read(const std::map<NetworkLayer, LoraParts>& parts, const Layers& layers, const PeftConfig& config);
  void check_does_something() const;
  void warn_of_alphas_alone();

  std::shared_ptr<const SafeTensors> file_;
  std::map<std::string, LayerChange> unet_;
  std::map<std::string, LayerChange> text_encoder_;
  std::vector<std::string> unmatched_;
  std::vector<std::string> alphas_alone_;  // keys of layers that have only an alpha
  std::vector<std::string> warnings_;
};

}  // namespace streamdiffusion
