#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/files/safetensors.h"
#include "model/weights/layer_change.h"
#include "model/weights/lora_names.h"
#include "model/weights/peft_config.h"

namespace streamdiffusion {

/// Facts about one layer that its tensors do not hold.
struct LoraContext {
  std::string layer;  ///< by the model's name
  LayerShape shape;
  const PeftSettings* settings = nullptr;  ///< nullptr: none
  const FileTensor* vera_a = nullptr;      ///< VeRA's projection [rank, most inputs], which all layers share
  const FileTensor* vera_b = nullptr;      ///< [most outputs, rank]
};

/// What a LoRA file says about one layer, gathered key by key.
class LoraParts {
 public:
  /// Throws Error, naming file and key, where the part is there already, is malformed, or belongs to a method
  /// that is not computed here.
  void add(const LoraKey& parsed, const std::string& key, const FileTensor& tensor, const std::string& file);

  /// What they amount to. Throws Error, naming file and key, where something is missing, belongs to several
  /// methods or does not fit the layer.
  [[nodiscard]] LayerChange change(const std::string& file, const LoraContext& context) const;

  /// True if there is an alpha and nothing that it scales.
  [[nodiscard]] bool has_alpha_alone() const { return alpha_ && tensors_.empty(); }
  /// True if alpha scales the change and is not among the tensors.
  [[nodiscard]] bool lacks_alpha() const;
  /// One of the keys, for messages.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  using Part = LoraKey::Part;

  [[nodiscard]] const FileTensor* find(Part part) const;
  [[nodiscard]] bool has_any(Part first, Part last) const;
  [[nodiscard]] LoraMatrix matrix(Part whole, Part left, Part right, Part core) const;
  [[nodiscard]] std::optional<LayerChange::Weight> weight(const LoraContext& context,
                                                          const std::string& where) const;
  [[nodiscard]] LoraChange matrices(const std::string& where) const;
  [[nodiscard]] LoraChange vera(const LoraContext& context, const std::string& where) const;
  [[nodiscard]] LoraChange lora(const LoraContext& context, const std::string& where) const;
  void add_lengths(LoraChange& change, const LoraContext& context, const std::string& where) const;
  [[nodiscard]] TensorChange ia3(const LoraContext& context, const std::string& where) const;
  [[nodiscard]] Rotation rotation(const LoraContext& context, const std::string& where) const;
  [[nodiscard]] float factor(const LoraChange& change, const LoraContext& context,
                             const std::string& where) const;
  [[nodiscard]] std::optional<TensorChange> bias(const LayerChange& change, const std::string& where) const;

  std::map<Part, const FileTensor*> tensors_;
  std::optional<float> alpha_;
  std::string key_;
};

}  // namespace streamdiffusion
