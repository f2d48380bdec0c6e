#include "model/weights/peft_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

constexpr const char* kMetadataKey = "lora_adapter_metadata";

constexpr std::array<std::string_view, 7> kMethods = {"LORA", "LOHA", "LOKR", "ADALORA",
                                                      "OFT",  "IA3",  "VERA"};

/// Fields that select another method when they are set.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kOtherMethods = {
    {{"kasa_config", "KaSA"},
     {"arrow_config", "Arrow"},
     {"alora_invocation_tokens", "aLoRA"},
     {"monteclora_config", "MonteCLoRA"},
     {"use_bdlora", "BD-LoRA"},
     {"use_qalora", "QA-LoRA"},
     {"layer_replication", "replicated layers"},
     {"coft", "constrained OFT"}}};

/// Initialisations that move a part of the model's weights into the adapter. The adapter then needs the
/// changed model, which is not in the file.
constexpr std::array<std::string_view, 5> kChangedBases = {"pissa", "olora", "corda", "loftq", "lora_ga"};

bool is_set(const nlohmann::json& value) {
  return !value.is_null() && value != false && !((value.is_object() || value.is_array()) && value.empty());
}

float number_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number() || !std::isfinite(value.get<float>())) {
    throw FileError(where + " must be a number, not " + show_json(value));
  }
  return value.get<float>();
}

bool boolean_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_boolean()) {
    throw FileError(where + " must be true or false, not " + show_json(value));
  }
  return value.get<bool>();
}

/// True if a pattern is a plain name. peft allows regular expressions, diffusers writes only names.
bool is_name(const std::string& pattern) {
  return !pattern.empty() && std::ranges::all_of(pattern, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
}

void check_is_name(const std::string& pattern, const std::string& where) {
  if (!is_name(pattern)) {
    throw FileError(where + " has " + show_json(pattern) + ": patterns other than names are not supported");
  }
}

/// Reads a pattern, without the prefix "text_model." of transformers before version 5.
PeftPattern read_entry(std::string_view key, float value) {
  const bool is_whole = key.starts_with('^');
  key.remove_prefix(is_whole ? 1 : 0);
  constexpr std::string_view kOlder = "text_model.";
  key.remove_prefix(key.starts_with(kOlder) ? kOlder.size() : 0);
  return {.name = std::string(key), .is_whole = is_whole, .value = value};
}

/// Reads patterns in the order of their keys, in which peft sorts them.
std::vector<PeftPattern> read_patterns(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object()) {
    throw FileError(where + " must be an object, not " + show_json(json));
  }
  std::vector<PeftPattern> patterns;
  for (const auto& [key, value] : json.items()) {
    patterns.push_back(read_entry(key, number_of(value, where + ": " + show_json(key))));
    check_is_name(patterns.back().name, where);
  }
  return patterns;
}

/// Reads a list of names or one name.
std::set<std::string> read_names(const nlohmann::json& json, const std::string& where) {
  std::set<std::string> names;
  const auto add = [&](const nlohmann::json& name) {
    if (!name.is_string()) {
      throw FileError(where + " must hold names, not " + show_json(name));
    }
    names.insert(name.get<std::string>());
  };
  if (json.is_array()) {
    std::ranges::for_each(json, add);
  } else {
    add(json);
  }
  return names;
}

/// Compares a text with a name like peft's regular expressions, where a dot stands for any character.
bool matches_name(std::string_view text, std::string_view name) {
  return std::ranges::equal(text, name, [](char is, char wanted) { return wanted == '.' || is == wanted; });
}

bool ends_in_name(std::string_view layer, std::string_view name) {
  if (layer.size() <= name.size()) {
    return matches_name(layer, name);
  }
  const std::size_t begin = layer.size() - name.size();
  return matches_name(layer.substr(begin), name) && layer[begin - 1] == '.';
}

std::optional<float> find_pattern(const std::vector<PeftPattern>& patterns, const std::string& layer) {
  const auto found = std::ranges::find_if(patterns, [&](const PeftPattern& pattern) {
    return pattern.is_whole ? matches_name(layer, pattern.name) : ends_in_name(layer, pattern.name);
  });
  return found == patterns.end() ? std::nullopt : std::optional(found->value);
}

/// The fields of one adapter by name, each with its description for error messages.
class Fields {
 public:
  explicit Fields(std::string where) : where_(std::move(where)) {}
  void add(const std::string& name, const std::string& shown, const nlohmann::json& value) {
    fields_[name] = {where_ + ": " + show_json(shown), value};
  }
  /// Calls `use(value, description)` if the field exists and is set.
  template <typename Use>
  void read(const std::string& name, Use&& use) const {
    const auto found = fields_.find(name);
    if (found != fields_.end() && is_set(found->second.second)) {
      use(found->second.second, found->second.first);
    }
  }

 private:
  std::string where_;
  std::map<std::string, std::pair<std::string, nlohmann::json>> fields_;  // description and value by name
};

void check_method(const Fields& fields) {
  fields.read("peft_type", [](const nlohmann::json& value, const std::string& where) {
    const std::string method = value.is_string() ? value.get<std::string>() : "";
    if (std::ranges::find(kMethods, method) == kMethods.end()) {
      throw FileError(where + " is " + show_json(value) +
                      ", a method that is not supported; LORA, LOHA, LOKR, ADALORA, OFT, IA3 and VERA are");
    }
  });
  for (const auto& [name, method] : kOtherMethods) {
    fields.read(std::string(name), [other = method](const nlohmann::json&, const std::string& where) {
      throw FileError(where + " is set: " + std::string(other) + " is not supported");
    });
  }
}

void read_scaling(const Fields& fields, PeftSettings& settings) {
  const auto number = [&](const char* name, std::optional<float>& into) {
    fields.read(name, [&into](const nlohmann::json& value, const std::string& where) {
      into = number_of(value, where);
    });
  };
  number("alpha", settings.alpha);
  number("lora_alpha", settings.alpha);
  number("r", settings.rank);
  if (settings.method == "ADALORA") {
    number("init_r", settings.rank);
  }
  fields.read("alpha_pattern", [&](const nlohmann::json& value, const std::string& where) {
    settings.alpha_pattern = read_patterns(value, where);
  });
  if (settings.method != "ADALORA") {  // AdaLoRA's ranks are those of the tensors
    fields.read("rank_pattern", [&](const nlohmann::json& value, const std::string& where) {
      settings.rank_pattern = read_patterns(value, where);
    });
  }
}

void read_oft(const Fields& fields, PeftSettings& settings) {
  fields.read("use_cayley_neumann", [&](const nlohmann::json& value, const std::string& where) {
    constexpr std::int64_t kTermsOfPeft = 5;
    settings.oft_series_terms = boolean_of(value, where) ? kTermsOfPeft : 0;
  });
  if (settings.oft_series_terms > 0) {
    fields.read("num_cayley_neumann_terms", [&](const nlohmann::json& value, const std::string& where) {
      constexpr float kMostTerms = 100;
      const float terms = number_of(value, where);
      if (terms < 1 || terms > kMostTerms || terms != std::floor(terms)) {
        throw FileError(where + " must be an integer from 1 to 100, not " + show_json(value));
      }
      settings.oft_series_terms = static_cast<std::int64_t>(terms);
    });
  }
  fields.read("block_share", [&](const nlohmann::json& value, const std::string& where) {
    settings.oft_is_shared = boolean_of(value, where);
  });
}

PeftSettings read_settings(const Fields& fields) {
  check_method(fields);
  PeftSettings settings;
  fields.read("peft_type", [&](const nlohmann::json& value, const std::string&) {
    settings.method = value.get<std::string>();
  });
  read_scaling(fields, settings);
  read_oft(fields, settings);
  fields.read("use_rslora", [&](const nlohmann::json& value, const std::string& where) {
    settings.use_rslora = boolean_of(value, where);
  });
  fields.read("use_dora", [&](const nlohmann::json& value, const std::string& where) {
    settings.use_dora = boolean_of(value, where);
  });
  fields.read("feedforward_modules", [&](const nlohmann::json& value, const std::string& where) {
    if (value.is_string()) {
      settings.feedforward_pattern = {value.get<std::string>(), where};
    } else {
      settings.feedforward_modules = read_names(value, where);
    }
  });
  fields.read("modules_to_save", [&](const nlohmann::json& value, const std::string& where) {
    settings.saved_modules = read_names(value, where);
  });
  return settings;
}

void warn_of_changed_base(const Fields& fields, std::vector<std::string>& warnings) {
  fields.read("init_lora_weights", [&](const nlohmann::json& value, const std::string& where) {
    const std::string way = value.is_string() ? value.get<std::string>() : "";
    if (std::ranges::any_of(kChangedBases, [&](std::string_view base) { return way.starts_with(base); })) {
      warnings.push_back(
          where + " is " + show_json(value) +
          ": the adapter belongs to a model whose weights were changed before training, and the "
          "images will not be those it was trained for; have peft convert it "
          "(path_initial_model_for_weight_conversion)");
    }
  });
}

}  // namespace

std::optional<float> PeftSettings::alpha_of(const std::string& layer) const {
  const std::optional<float> found = find_pattern(alpha_pattern, layer);
  return found ? found : alpha;
}

std::optional<float> PeftSettings::rank_of(const std::string& layer) const {
  const std::optional<float> found = find_pattern(rank_pattern, layer);
  return found ? found : rank;
}

bool PeftSettings::is_feedforward(const std::string& layer) const {
  if (feedforward_pattern) {
    const auto& [pattern, where] = *feedforward_pattern;
    check_is_name(pattern, where);
    return matches_name(layer, pattern);
  }
  return std::ranges::any_of(feedforward_modules,
                             [&](const std::string& name) { return layer.ends_with(name); });
}

PeftConfig::PeftConfig(const std::map<std::string, std::string>& metadata, const std::string& file,
                       const std::optional<std::string>& adapter_config, const std::string& config_name) {
  if (const auto found = metadata.find(kMetadataKey); found != metadata.end()) {
    read_metadata(found->second, file + ": " + kMetadataKey);
  } else if (adapter_config) {
    read_adapter_config(*adapter_config, config_name);
  }
}

/// Keys look like "unet.lora_alpha"; those without a network's name are the UNet's.
void PeftConfig::read_metadata(const std::string& text, const std::string& where) {
  std::map<std::string, Fields> networks;
  const nlohmann::json json = parse_json_object(text, where);
  for (const auto& [key, value] : json.items()) {
    const std::size_t dot = key.find('.');
    const std::string network = dot == std::string::npos ? "unet" : key.substr(0, dot);
    networks.try_emplace(network, where)
        .first->second.add(dot == std::string::npos ? key : key.substr(dot + 1), key, value);
  }
  for (const auto& [network, fields] : networks) {
    networks_[network] = read_settings(fields);
    warn_of_changed_base(fields, warnings_);
  }
}

void PeftConfig::read_adapter_config(const std::string& text, const std::string& where) {
  Fields fields(where);
  const nlohmann::json json = parse_json_object(text, where);
  for (const auto& [key, value] : json.items()) {
    fields.add(key, key, value);
  }
  networks_[""] = read_settings(fields);
  warn_of_changed_base(fields, warnings_);
}

const PeftSettings* PeftConfig::find(const std::string& network) const {
  for (const std::string& name : {network, std::string()}) {
    if (const auto found = networks_.find(name); found != networks_.end()) {
      return &found->second;
    }
  }
  return nullptr;
}

}  // namespace streamdiffusion
