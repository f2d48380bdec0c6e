#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "settings/settings.h"

namespace streamdiffusion::cli {

/// Returns blended prompts in the form of --prompt: "owl:0.7".
std::vector<std::string> weighted_texts(const std::vector<WeightedPrompt>& prompts);

/// Returns blended seeds in the form of --seed: "3:0.5".
std::vector<std::string> weighted_texts(const std::vector<WeightedSeed>& seeds);

/// Returns the settings under the names of their options and in the form that --config reads:
/// {"cfg-type": "self", "seed": 2}. A setting that another one replaces is left out, as the seed is if there
/// are blended seeds. The scales of LoRAs are left out, because --lora names files.
nlohmann::ordered_json setting_values(const Settings& settings);

}  // namespace streamdiffusion::cli
