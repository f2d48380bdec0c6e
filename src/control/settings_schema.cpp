#include "control/settings_schema.h"

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "control/json_numbers.h"
#include "control/settings_json.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

Json range_schema(const Range<int>& range) {
  return {{"type", "integer"}, {"minimum", range.low}, {"maximum", range.high}};
}

Json range_schema(const Range<float>& range) {
  return {{"type", "number"},
          {range.excludes_low ? "exclusiveMinimum" : "minimum", short_number(range.low)},
          {"maximum", short_number(range.high)}};
}

/// Returns the schema of a list of objects with the field `what`, and a weight.
Json blend_schema(const char* what, const char* type, std::size_t most, const Range<float>& weight) {
  return {{"type", "array"},
          {"maxItems", most},
          {"items",
           {{"type", "object"},
            {"properties", {{what, {{"type", type}}}, {"weight", range_schema(weight)}}},
            {"required", {what}}}}};
}

/// Describes the JSON values of each type of setting.
struct Schema {
  Json operator()(const FlagSetting& /*type*/) const { return {{"type", "boolean"}}; }
  Json operator()(const IntegerSetting& type) const { return range_schema(type.range); }
  Json operator()(const NumberSetting& type) const { return range_schema(type.range); }
  Json operator()(const OptionalNumberSetting& type) const {
    Json schema = range_schema(type.range);
    schema["type"] = {"number", "null"};
    return schema;
  }
  Json operator()(const TextSetting& /*type*/) const { return {{"type", "string"}}; }
  Json operator()(const ChoiceSetting& type) const {
    return {{"type", "string"}, {"enum", std::vector(type.names.begin(), type.names.end())}};
  }
  Json operator()(const PromptSetting& /*type*/) const { return {{"type", "string"}}; }
  Json operator()(const PromptsSetting& type) const {
    return blend_schema("text", "string", type.most, type.weight);
  }
  Json operator()(const SeedSetting& /*type*/) const { return {{"type", "integer"}, {"minimum", -1}}; }
  Json operator()(const SeedsSetting& type) const {
    return blend_schema("seed", "integer", type.most, type.weight);
  }
  Json operator()(const IndicesSetting& type) const {
    return {{"type", "array"}, {"items", range_schema(type.range)}};
  }
  Json operator()(const LorasSetting& type) const {
    return {{"type", "object"}, {"additionalProperties", range_schema(type.scale)}};
  }
};

}  // namespace

Json schema_of(const SettingType& type) { return std::visit(Schema{}, type); }

Json settings_schema() {
  const Json defaults = to_json(Settings{});
  Json schema = Json::object();
  for (const Setting& setting : settings_table()) {
    const std::string name(setting.name);
    Json& entry = schema[name] = schema_of(setting.type);
    entry["default"] = defaults[name];
    entry["description"] = setting.help;
    if (!setting.unit.empty()) {
      entry["unit"] = setting.unit;
    }
  }
  return schema;
}

}  // namespace streamdiffusion
