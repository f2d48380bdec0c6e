#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "settings/settings.h"
#include "streamdiffusion/model.h"

namespace streamdiffusion {

/// A number for each added LoRA, by name. A LoRA that is added under the name of a removed one has another.
using LoraNumbers = std::map<std::string, std::uint64_t>;

/// A model whose LoRAs change, shared by its streams.
struct ModelWithLoras {
  std::shared_ptr<Model> model;
  LoraNumbers loras = {};
  std::uint64_t added_loras = 0;

  /// Runs Model::add_lora and gives the LoRA a number.
  std::string add_lora(const LoraOptions& lora);
};

/// The settings of a stream, and the LoRAs that their scales are for.
struct SettingsWithLoras {
  Settings settings = {};
  LoraNumbers loras = {};
};

/// Brings the LoRAs of `settings` in line with those that the model has now. Only the same LoRA keeps its
/// scale, not another one with its name.
void update_loras(const ModelWithLoras& model, SettingsWithLoras& settings);

}  // namespace streamdiffusion
