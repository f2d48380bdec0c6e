#pragma once

#include <map>
#include <optional>
#include <string>

#include "model/files/safetensors.h"
#include "model/weights/lora_change.h"
#include "model/weights/lora_names.h"

namespace streamdiffusion {

/// What a LoRA file says about one layer, gathered key by key.
class LoraParts {
 public:
  /// Throws Error, naming file and key, where the part is there already, is malformed, or belongs to a method
  /// that is not computed here.
  void add(LoraKey::Part part, const std::string& key, const FileTensor& tensor, const std::string& file);

  /// What they amount to. `scaling`: of the file's metadata, for layers without an alpha of their own; times
  /// the rank, or its root. Throws Error where something is missing.
  struct Scaling {
    float alpha = 1.0F;
    bool by_root_of_rank = false;  ///< alpha / sqrt(rank): peft's use_rslora
  };
  [[nodiscard]] LoraChange change(const std::string& file, const std::optional<Scaling>& scaling) const;

 private:
  [[nodiscard]] const FileTensor* find(LoraKey::Part part) const;
  [[nodiscard]] LoraMatrix matrix(LoraKey::Part whole, LoraKey::Part left, LoraKey::Part right,
                                  LoraKey::Part core) const;
  [[nodiscard]] LoraChange matrices(const std::string& where) const;
  [[nodiscard]] float factor(const LoraChange& change, const std::optional<Scaling>& scaling) const;

  std::map<LoraKey::Part, const FileTensor*> tensors_;
  std::optional<float> alpha_;
  std::string key_;  // any of its keys, for messages
};

}  // namespace streamdiffusion
