#include "model/weights/peft_metadata.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr const char* kKey = "lora_adapter_metadata";

float number_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<float>())) {
    throw Error(where + " must be a number, not " + show_json(value));
  }
  return value.get<float>();
}

/// Names match where a layer's name ends in them. peft takes them for regular expressions, diffusers writes
/// names.
void check_is_name(const std::string& pattern, const std::string& where) {
  const bool name = std::ranges::all_of(pattern, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (!name || pattern.empty()) {
    throw Error(where + " has " + show_json(pattern) + ": patterns other than names are not supported");
  }
}

std::map<std::string, float> read_pattern(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object()) {
    throw Error(where + " must be an object, not " + show_json(json));
  }
  std::map<std::string, float> pattern;
  for (const auto& [key, value] : json.items()) {
    const std::string name = key.starts_with('^') ? key.substr(1) : key;
    check_is_name(name, where);
    pattern[name] = number_of(value, where + ": " + show_json(key));
  }
  return pattern;
}

bool ends_in_name(std::string_view layer, std::string_view name) {
  return layer == name || (layer.ends_with(name) && layer[layer.size() - name.size() - 1] == '.');
}

}  // namespace

PeftMetadata::PeftMetadata(const std::map<std::string, std::string>& metadata, const std::string& where) {
  const auto found = metadata.find(kKey);
  if (found == metadata.end()) {
    return;
  }
  const std::string place = where + ": " + kKey;
  const nlohmann::json json = parse_json_object(found->second, place);
  for (const auto& [key, value] : json.items()) {
    const std::string field_place = place + ": " + show_json(key);
    const std::size_t dot = key.find('.');
    const std::string field = dot == std::string::npos ? key : key.substr(dot + 1);
    Network& network = networks_[dot == std::string::npos ? "unet" : key.substr(0, dot)];
    if (field == "lora_alpha" || field == "alpha") {
      network.alpha = number_of(value, field_place);
    } else if (field == "alpha_pattern" && !value.is_null()) {
      network.alpha_pattern = read_pattern(value, field_place);
    } else if (field == "use_rslora" && value.is_boolean()) {
      network.use_rslora = value.get<bool>();
    }
  }
}

std::optional<LoraParts::Scaling> PeftMetadata::find(const std::string& network,
                                                     const std::string& layer) const {
  const auto found = networks_.find(network);
  if (found == networks_.end()) {
    return std::nullopt;
  }
  const Network& said = found->second;
  const auto pattern = std::ranges::find_if(
      said.alpha_pattern, [&layer](const auto& entry) { return ends_in_name(layer, entry.first); });
  const std::optional<float> alpha =
      pattern != said.alpha_pattern.end() ? std::optional(pattern->second) : said.alpha;
  return alpha ? std::optional(LoraParts::Scaling{*alpha, said.use_rslora}) : std::nullopt;
}

}  // namespace streamdiffusion
