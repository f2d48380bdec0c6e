#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "settings/setting.h"

namespace streamdiffusion {

/// Converts a setting's value, as users type it, to the JSON that apply_json takes and checks. Texts and
/// prompts are taken literally, including quotes. Other settings take JSON. A choice also takes its bare
/// name, a flag "on" and "off", and an optional number "none". Lists of indices may omit the brackets.
nlohmann::json value_of_text(const Setting& setting, const std::string& text);

}  // namespace streamdiffusion
