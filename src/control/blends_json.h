#pragma once

#include <nlohmann/json.hpp>

#include "control/settings.h"

namespace streamdiffusion {

// `prompts` and `seeds` of Settings as JSON: lists of objects with a text or a seed, and a weight. Throw
// FieldError where they are something else.
void set_prompts(const nlohmann::json& value, Settings& settings);
nlohmann::json prompts_of(const Settings& settings);
void set_seeds(const nlohmann::json& value, Settings& settings);
nlohmann::json seeds_of(const Settings& settings);

/// A seed as JSON: a whole number, or -1 for one that is drawn.
std::uint64_t seed_of(const char* name, const nlohmann::json& value);

}  // namespace streamdiffusion
