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

/// A LoRA file read: which layers of which network it changes, and how. Immutable.
class Lora {
 public:
  /// Which network a layer belongs to.
  enum class Network : std::uint8_t { unet, text_encoder };

  /// The layers that the model has, in diffusers' and transformers' naming (text encoder without the
  /// "text_model." prefix).
  struct Layers {
    LayerShapes unet;
    LayerShapes text_encoder;
  };

  /// Opens a file, and the adapter_config.json beside it where peft wrote both. Throws Error as the
  /// constructor does.
  static std::shared_ptr<const Lora> open(const std::filesystem::path& file, const Layers& layers);

  /// `adapter_config`: the text of the adapter_config.json that belongs to the file; nullopt where there is
  /// none. Keys of layers that the model does not have go to `unmatched`. Throws Error where the file changes
  /// nothing, or where a layer's parts are not all there, do not fit one another or the layer, are not known,
  /// or belong to another method.
  Lora(std::shared_ptr<const SafeTensors> file, const Layers& layers,
       const std::optional<std::string>& adapter_config = std::nullopt);

  /// nullptr where the layer is not touched.
  [[nodiscard]] const LayerChange* find(Network network, const std::string& layer) const;
  [[nodiscard]] const std::vector<std::string>& unmatched() const { return unmatched_; }
  /// Full sentences about a file that is applied but may not give what its maker saw.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] const std::string& name() const { return file_->name(); }

 private:
  using Place = std::pair<Network, std::string>;

  void gather(const LoraLayerNames& names, bool is_of_peft, std::map<Place, LoraParts>& layers);
  void read(const std::map<Place, LoraParts>& parts, const Layers& layers, const PeftConfig& config);
  void check_does_something() const;
  void warn_of_alphas_alone();

  std::shared_ptr<const SafeTensors> file_;
  std::map<std::string, LayerChange> unet_;
  std::map<std::string, LayerChange> text_encoder_;
  std::vector<std::string> unmatched_;
  std::vector<std::string> alphas_alone_;  // keys of layers that have nothing but an alpha
  std::vector<std::string> warnings_;
};

}  // namespace streamdiffusion
