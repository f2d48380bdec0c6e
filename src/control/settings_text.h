#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "settings/setting.h"

namespace streamdiffusion {

/// Converts the text of a setting's value, as users type it, to the JSON that apply_json takes. It reads
/// JSON, and also texts without quotes, flags that are "on" or "off", a missing number that is "none", and
/// lists of indices without brackets. Text that cannot be read so stays text, which apply_json refuses.
nlohmann::json value_of_text(const Setting& setting, const std::string& text);

}  // namespace streamdiffusion
