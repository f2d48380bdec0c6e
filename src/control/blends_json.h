#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "settings/setting.h"

namespace streamdiffusion {

// Conversion of `prompts` and `seeds` from and to JSON: lists of objects with a text or a seed, and a weight.
// The functions throw FieldError for other values.
std::vector<WeightedPrompt> read_prompts(const PromptsSetting& type, const nlohmann::json& value);
nlohmann::json to_json(const std::vector<WeightedPrompt>& prompts);
std::vector<WeightedSeed> read_seeds(const SeedsSetting& type, const nlohmann::json& value);
nlohmann::json to_json(const std::vector<WeightedSeed>& seeds);

/// Reads a prompt. Throws FieldError, naming the field `name`, unless it is a text of at most kLongestPrompt
/// bytes.
std::string read_text(const std::string& name, const nlohmann::json& value);

/// Reads a seed: an integer of at least 0, or -1 for a random seed. Throws FieldError, naming the field
/// `name`, for other values.
std::uint64_t read_seed(const std::string& name, const nlohmann::json& value);

}  // namespace streamdiffusion
