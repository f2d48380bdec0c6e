#pragma once

#include <nlohmann/json.hpp>

namespace streamdiffusion {

/// Returns an object from each setting's name to a JSON Schema of its values: type, range, default and
/// description. Its additional keyword `unit` is "seconds".
nlohmann::json settings_schema();

}  // namespace streamdiffusion
