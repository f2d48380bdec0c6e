#pragma once

#include <nlohmann/json.hpp>

#include "control/settings.h"

namespace streamdiffusion {

// Conversion of `prompts` and `seeds` of Settings from and to JSON: lists of objects with a text or a seed,
// and a weight. The functions throw FieldError for other values.
void set_prompts(const nlohmann::json& value, Settings& settings);
nlohmann::json prompts_of(const Settings& settings);
void set_seeds(const nlohmann::json& value, Settings& settings);
nlohmann::json seeds_of(const Settings& settings);

/// Reads a seed: an integer of at least 0, or -1 for a random seed. Throws FieldError, naming the field
/// `name`, for other values.
std::uint64_t seed_of(const char* name, const nlohmann::json& value);

}  // namespace streamdiffusion
