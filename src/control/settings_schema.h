#pragma once

#include <nlohmann/json.hpp>

#include "settings/setting.h"

namespace streamdiffusion {

/// Returns a JSON Schema of the values that a type of setting permits.
nlohmann::json schema_of(const SettingType& type);

/// Returns an object from each setting's name to a JSON Schema of its values: type, range, default and
/// description. Its additional keyword `unit` is "seconds".
nlohmann::json settings_schema();

}  // namespace streamdiffusion
