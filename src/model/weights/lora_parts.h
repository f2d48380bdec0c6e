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

/// Facts about one layer that its tensors in the file do not tell.
struct LayerFacts {
  std::string layer;  ///< The model's name of the layer.
  LayerShape shape;
  const PeftSettings* settings = nullptr;  ///< Null if there is no configuration.
  const FileTensor* vera_a = nullptr;      ///< VeRA's shared projection [rank, most inputs], or null.
  const FileTensor* vera_b = nullptr;      ///< VeRA's shared projection [most outputs, rank], or null.
};

/// The parts of one layer's change in a LoRA file, collected key by key.
class LoraParts {
 public:
  /// Adds the tensor of a parsed key. Throws Error with file and key if the part is there already, is
  /// malformed or belongs to an unsupported method.
  void add(const LoraKey& parsed, const std::string& key, const FileTensor& tensor, const std::string& file);

  /// Returns the change of the layer. Throws Error with file and key if a part is missing, parts belong to
  /// several methods, or they do not fit the layer.
  [[nodiscard]] LayerChange make_change(const std::string& file, const LayerFacts& facts) const;

  /// True if there is an alpha but no tensor that it scales.
  [[nodiscard]] bool has_alpha_alone() const { return alpha_ && tensors_.empty(); }
  /// True if the method has an alpha and the file has none for this layer.
  [[nodiscard]] bool lacks_alpha() const;
  /// The latest key, for error messages.
  [[nodiscard]] const std::string& key() const { return key_; }

 private:
  using Part = LoraKey::Part;

  [[nodiscard]] const FileTensor* find(Part part) const;
  [[nodiscard]] bool has_any(Part first, Part last) const;
  [[nodiscard]] LoraMatrix make_matrix(Part whole, Part left, Part right, Part core) const;
  [[nodiscard]] std::optional<LayerChange::Weight> make_weight(const LayerFacts& facts,
                                                               const std::string& where) const;
  [[nodiscard]] LoraChange make_matrices(const std::string& where) const;
  [[nodiscard]] LoraChange make_vera(const LayerFacts& facts, const std::string& where) const;
  [[nodiscard]] LoraChange make_lora(const LayerFacts& facts, const std::string& where) const;
  void add_lengths(LoraChange& change, const LayerFacts& facts, const std::string& where) const;
  [[nodiscard]] TensorChange make_ia3(const LayerFacts& facts, const std::string& where) const;
  [[nodiscard]] Rotation make_rotation(const LayerFacts& facts, const std::string& where) const;
  [[nodiscard]] float compute_factor(const LoraChange& change, const LayerFacts& facts,
                                     const std::string& where) const;
  [[nodiscard]] std::optional<TensorChange> make_bias(const LayerChange& change,
                                                      const std::string& where) const;

  std::map<Part, const FileTensor*> tensors_;
  std::optional<float> alpha_;
  std::string key_;
};

}  // namespace streamdiffusion
