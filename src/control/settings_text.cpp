#include "control/settings_text.h"

#include <algorithm>
#include <variant>

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

Json parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

/// Reads the text of each type of setting.
struct Reading {
  const std::string& text;

  template <typename Type>
  Json operator()(const Type& /*type*/) const {
    return parsed(text);
  }
  Json operator()(const TextSetting& /*type*/) const { return text; }
  Json operator()(const PromptSetting& /*type*/) const { return text; }
  Json operator()(const FlagSetting& /*type*/) const {
    return text == "on" || text == "off" ? Json(text == "on") : parsed(text);
  }
  Json operator()(const OptionalNumberSetting& /*type*/) const {
    return text == "none" ? Json() : parsed(text);
  }
  /// Also reads lists such as "16,32" or "16 32".
  Json operator()(const IndicesSetting& /*type*/) const {
    if (text.starts_with('[')) {
      return parsed(text);
    }
    std::string items = text;
    std::ranges::replace(items, ' ', ',');
    return parsed("[" + items + "]");
  }
};

}  // namespace

Json value_of_text(const Setting& setting, const std::string& text) {
  return std::visit(Reading{text}, setting.type);
}

}  // namespace streamdiffusion
