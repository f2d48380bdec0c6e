#include "cli/setting_values.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/setting_options.h"
#include "control/settings_json.h"
#include "settings/setting.h"

namespace streamdiffusion::cli {
namespace {

using Json = nlohmann::ordered_json;

/// The settings that t_index_list replaces.
constexpr std::array<std::string_view, 2> kReplacedByIndices = {"strength", "steps"};

/// Converts the JSON value of a setting to the value of its option. Returns nothing if the option is not
/// needed.
class OptionValue {
 public:
  OptionValue(const Setting& setting, const Parameters& parameters, const nlohmann::json& value)
      : setting_(setting), parameters_(parameters), value_(value) {}

  template <typename Type>
  std::optional<Json> operator()(const Type& /*type*/) const {
    const bool is_replaced = !parameters_.t_index_list.empty() &&
                             std::ranges::find(kReplacedByIndices, setting_.name) != kReplacedByIndices.end();
    return if_needed(!is_replaced, value_);
  }
  std::optional<Json> operator()(const FlagSetting& type) const {
    return value_.get<bool>() == type.off_option.empty();
  }
  std::optional<Json> operator()(const OptionalNumberSetting& /*type*/) const {
    return if_needed(!value_.is_null(), value_);
  }
  std::optional<Json> operator()(const PromptSetting& /*type*/) const {
    return if_needed(parameters_.prompts.empty(), value_);
  }
  std::optional<Json> operator()(const PromptsSetting& /*type*/) const {
    return if_needed(!parameters_.prompts.empty(), weighted_texts(parameters_.prompts));
  }
  std::optional<Json> operator()(const SeedSetting& /*type*/) const {
    return if_needed(parameters_.seeds.empty(), value_);
  }
  std::optional<Json> operator()(const SeedsSetting& /*type*/) const {
    return if_needed(!parameters_.seeds.empty(), weighted_texts(parameters_.seeds));
  }
  std::optional<Json> operator()(const IndicesSetting& /*type*/) const {
    return if_needed(!value_.empty(), value_);
  }
  std::optional<Json> operator()(const LorasSetting& /*type*/) const { return std::nullopt; }

 private:
  static std::optional<Json> if_needed(bool is_needed, const Json& value) {
    return is_needed ? std::optional(value) : std::nullopt;
  }

  const Setting& setting_;
  const Parameters& parameters_;
  const nlohmann::json& value_;
};

}  // namespace

std::vector<std::string> weighted_texts(const std::vector<WeightedPrompt>& prompts) {
  std::vector<std::string> texts;
  for (const WeightedPrompt& prompt : prompts) {
    texts.push_back(prompt.text + ":" + streamdiffusion::text_of(prompt.weight));
  }
  return texts;
}

std::vector<std::string> weighted_texts(const std::vector<WeightedSeed>& seeds) {
  std::vector<std::string> texts;
  for (const WeightedSeed& seed : seeds) {
    texts.push_back(std::to_string(seed.seed) + ":" + streamdiffusion::text_of(seed.weight));
  }
  return texts;
}

Json setting_values(const Settings& settings) {
  const nlohmann::json values = to_json(settings);
  Json options = Json::object();
  for (const Setting& setting : settings_table()) {
    const OptionValue option_value(setting, settings.parameters, values[std::string(setting.name)]);
    if (const std::optional<Json> value = std::visit(option_value, setting.type)) {
      options[option_name(setting)] = *value;
    }
  }
  return options;
}

}  // namespace streamdiffusion::cli
