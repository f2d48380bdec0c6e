#include "control/settings_json.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "control/blends_json.h"
#include "control/json_numbers.h"
#include "settings/setting.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

/// Sets a setting to a JSON value. Throws FieldError for a value that is not permitted.
class Reader {
 public:
  Reader(const Setting& setting, const Json& value, Settings& settings)
      : setting_(setting), name_(setting.name), value_(value), settings_(settings) {}

  void operator()(const FlagSetting& type) const {
    require(value_.is_boolean());
    type.field(settings_) = value_.get<bool>();
  }
  void operator()(const IntegerSetting& type) const {
    type.field(settings_) = required(integer_in(type.range, value_));
  }
  void operator()(const NumberSetting& type) const {
    type.field(settings_) = required(number_in(type.range, value_));
  }
  void operator()(const OptionalNumberSetting& type) const {
    type.field(settings_) =
        value_.is_null() ? std::nullopt : std::optional(required(number_in(type.range, value_)));
  }
  void operator()(const TextSetting& type) const { type.field(settings_) = read_text(name_, value_); }
  void operator()(const ChoiceSetting& type) const {
    require(value_.is_string() &&
            std::ranges::find(type.names, value_.get_ref<const std::string&>()) != type.names.end());
    type.set(settings_, value_.get<std::string>());
  }
  // If a JSON object has both `prompt` and `prompts`, `prompts` wins: objects are ordered by key, so it is
  // set later. The same holds for `seed` and `seeds`.
  void operator()(const PromptSetting& /*type*/) const {
    parameters_.prompt = read_text(name_, value_);
    parameters_.prompts.clear();
  }
  void operator()(const PromptsSetting& type) const { parameters_.prompts = read_prompts(type, value_); }
  void operator()(const SeedSetting& /*type*/) const {
    parameters_.seed = read_seed(name_, value_);
    parameters_.seeds.clear();
  }
  void operator()(const SeedsSetting& type) const { parameters_.seeds = read_seeds(type, value_); }
  void operator()(const IndicesSetting& type) const {
    std::vector<int> indices;
    require(value_.is_array());
    for (const Json& item : value_) {
      indices.push_back(required(integer_in(type.range, item)));
    }
    if (std::ranges::adjacent_find(indices, std::greater_equal<>()) != indices.end()) {
      throw FieldError(name_, "must be strictly increasing");
    }
    parameters_.t_index_list = std::move(indices);
  }
  void operator()(const LorasSetting& type) const {
    if (!value_.is_object()) {
      throw FieldError(name_, "must be an object from a LoRA's name to its scale");
    }
    for (const auto& [name, scale] : value_.items()) {
      const auto known = std::ranges::find(parameters_.lora_scales, name, &LoraScale::name);
      if (known == parameters_.lora_scales.end()) {
        throw FieldError(name_, "has \"" + name + "\", which was not loaded with the model");
      }
      known->scale = required(number_in(type.scale, scale));
    }
  }

 private:
  void require(bool is_permitted) const {
    if (!is_permitted) {
      throw FieldError(name_, "must be " + permitted_values(setting_.type));
    }
  }
  template <typename Number>
  Number required(std::optional<Number> number) const {
    require(number.has_value());
    return *number;
  }

  const Setting& setting_;
  const std::string name_;
  const Json& value_;
  Settings& settings_;
  Parameters& parameters_ = settings_.parameters;
};

/// Returns the value of a setting as JSON.
class Writer {
 public:
  explicit Writer(const Settings& settings) : settings_(settings) {}

  Json operator()(const FlagSetting& type) const { return type.field(settings_); }
  Json operator()(const IntegerSetting& type) const { return type.field(settings_); }
  Json operator()(const NumberSetting& type) const { return short_number(type.field(settings_)); }
  Json operator()(const OptionalNumberSetting& type) const {
    const std::optional<float> number = type.field(settings_);
    return number ? Json(short_number(*number)) : Json();
  }
  Json operator()(const TextSetting& type) const { return type.field(settings_); }
  Json operator()(const ChoiceSetting& type) const { return type.get(settings_); }
  Json operator()(const PromptSetting& /*type*/) const { return parameters_.prompt; }
  Json operator()(const PromptsSetting& /*type*/) const { return to_json(parameters_.prompts); }
  Json operator()(const SeedSetting& /*type*/) const { return parameters_.seed; }
  Json operator()(const SeedsSetting& /*type*/) const { return to_json(parameters_.seeds); }
  Json operator()(const IndicesSetting& /*type*/) const { return parameters_.t_index_list; }
  Json operator()(const LorasSetting& /*type*/) const {
    Json json = Json::object();
    for (const LoraScale& lora : parameters_.lora_scales) {
      json[lora.name] = short_number(lora.scale);
    }
    return json;
  }

 private:
  const Settings& settings_;
  const Parameters& parameters_ = settings_.parameters;
};

/// Checks the fields that depend on one another.
void check_combination(const Settings& settings) {
  const Parameters& parameters = settings.parameters;
  if (!parameters.t_index_list.empty() && parameters.t_index_list.back() >= parameters.num_inference_steps) {
    throw FieldError("t_index_list", "must have indices below num_inference_steps, which is " +
                                         std::to_string(parameters.num_inference_steps));
  }
  try {
    make_parameters(settings);
  } catch (const Error& error) {
    const std::string limit = settings.strength < 1 ? "strength" : "num_inference_steps";
    throw FieldError("steps", "does not go with " + limit + ": " + error.what());
  }
}

}  // namespace

void apply_json(const Json& json, Settings& settings) {
  if (!json.is_object()) {
    throw FieldError("settings", "must be a JSON object");
  }
  Settings changed = settings;
  for (const auto& [name, value] : json.items()) {
    const Setting* const setting = find_setting(name);
    if (setting == nullptr) {
      throw FieldError(name, "is no setting");
    }
    std::visit(Reader(*setting, value, changed), setting->type);
  }
  check_combination(changed);
  settings = std::move(changed);
}

Json to_json(const Settings& settings) {
  Json json = Json::object();
  for (const Setting& setting : settings_table()) {
    json[std::string(setting.name)] = std::visit(Writer(settings), setting.type);
  }
  return json;
}

}  // namespace streamdiffusion
