#include "control/settings_json.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "control/blends_json.h"
#include "control/json_numbers.h"

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

constexpr int kMostSteps = 1000;
constexpr float kLargestScale = 1000;
constexpr float kLongestTransition = 3600;  // seconds

/// A field of Settings, with its conversion from and to JSON.
struct Field {
  const char* name;
  std::function<void(const Json&, Settings&)> set;
  std::function<Json(const Settings&)> get;
};

Field text(const char* name, std::string Settings::*member) {
  const auto set = [name, member](const Json& value, Settings& settings) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kLongestPrompt) {
      throw FieldError(name, "must be a text of at most " + std::to_string(kLongestPrompt) + " bytes");
    }
    settings.*member = value.get<std::string>();
  };
  return {name, set, [member](const Settings& settings) { return settings.*member; }};
}

Field number(const char* name, float Settings::*member, float low, float high) {
  const auto set = [=](const Json& value, Settings& settings) {
    settings.*member = number_of(name, value, low, high);
  };
  return {name, set, [member](const Settings& settings) { return short_number(settings.*member); }};
}

Field integer(const char* name, int Settings::*member, int low, int high) {
  const auto set = [=](const Json& value, Settings& settings) {
    settings.*member = integer_of(name, value, low, high);
  };
  return {name, set, [member](const Settings& settings) { return settings.*member; }};
}

Field flag(const char* name, bool Settings::*member) {
  const auto set = [=](const Json& value, Settings& settings) {
    if (!value.is_boolean()) {
      throw FieldError(name, "must be true or false");
    }
    settings.*member = value.get<bool>();
  };
  return {name, set, [member](const Settings& settings) { return settings.*member; }};
}

void set_strength(const Json& value, Settings& settings) {
  const float strength = number_of("strength", value, 0, 1);
  if (strength == 0) {
    throw FieldError("strength", "must be above 0 and at most 1");
  }
  settings.strength = strength;
}

void set_t_index_list(const Json& value, Settings& settings) {
  std::vector<int> indices;
  if (!value.is_array() || value.size() > kMostSteps) {
    throw FieldError("t_index_list",
                     "must be a list of integers; an empty one leaves it to strength and steps");
  }
  for (const Json& item : value) {
    indices.push_back(integer_of("t_index_list", item, 0, kMostSteps - 1));
  }
  if (std::ranges::adjacent_find(indices, std::greater_equal<>()) != indices.end()) {
    throw FieldError("t_index_list", "must be strictly increasing");
  }
  settings.t_index_list = std::move(indices);
}

void set_cfg_type(const Json& value, Settings& settings) {
  try {
    settings.cfg_type = parse_cfg_type(value.is_string() ? value.get<std::string>() : value.dump());
  } catch (const Error&) {
    throw FieldError("cfg_type", "must be none, full, self or initialize");
  }
}

void set_guidance_embedding(const Json& value, Settings& settings) {
  settings.guidance_embedding =
      value.is_null() ? std::nullopt
                      : std::optional(number_of("guidance_embedding", value, -kLargestScale, kLargestScale));
}

/// Sets `prompt` and clears `prompts`. If a JSON object has both, `prompts` wins: objects are ordered by key,
/// so it is set later. The same holds for `seed` and `seeds`.
void set_prompt(const Json& value, Settings& settings) {
  text("prompt", &Settings::prompt).set(value, settings);
  settings.prompts.clear();
}

void set_seed(const Json& value, Settings& settings) {
  settings.seed = seed_of("seed", value);
  settings.seeds.clear();
}

void set_prompt_blend(const Json& value, Settings& settings) {
  try {
    settings.prompt_blend = parse_blend(value.is_string() ? value.get<std::string>() : value.dump());
  } catch (const Error&) {
    throw FieldError("prompt_blend", "must be linear or slerp");
  }
}

void set_loras(const Json& value, Settings& settings) {
  if (!value.is_object()) {
    throw FieldError("loras", "must be an object from a LoRA's name to its scale");
  }
  for (const auto& [name, scale] : value.items()) {
    const float number = number_of("loras", scale, -kLargestScale, kLargestScale);
    const auto known = std::ranges::find(settings.loras, name, &LoraScale::name);
    if (known == settings.loras.end()) {
      throw FieldError("loras", "has \"" + name + "\", which was not loaded with the model");
    }
    known->scale = number;
  }
}

Json loras_of(const Settings& settings) {
  Json json = Json::object();
  for (const LoraScale& lora : settings.loras) {
    json[lora.name] = short_number(lora.scale);
  }
  return json;
}

const std::vector<Field>& fields() {
  static const std::vector<Field> all = {
      {"prompt", set_prompt, [](const Settings& settings) { return settings.prompt; }},
      {"prompts", set_prompts, prompts_of},
      {"prompt_blend", set_prompt_blend,
       [](const Settings& settings) { return to_string(settings.prompt_blend); }},
      number("prompt_transition", &Settings::prompt_transition, 0, kLongestTransition),
      text("negative_prompt", &Settings::negative_prompt),
      {"strength", set_strength, [](const Settings& settings) { return short_number(settings.strength); }},
      integer("steps", &Settings::steps, 1, kMostSteps),
      {"t_index_list", set_t_index_list, [](const Settings& settings) { return settings.t_index_list; }},
      integer("num_inference_steps", &Settings::num_inference_steps, 1, kMostSteps),
      flag("do_add_noise", &Settings::do_add_noise),
      {"cfg_type", set_cfg_type, [](const Settings& settings) { return to_string(settings.cfg_type); }},
      number("guidance_scale", &Settings::guidance_scale, 0, kLargestScale),
      number("delta", &Settings::delta, 0, kLargestScale),
      {"guidance_embedding", set_guidance_embedding,
       [](const Settings& settings) {
         return settings.guidance_embedding ? Json(short_number(*settings.guidance_embedding))
                                            : Json(nullptr);
       }},
      {"seed", set_seed, [](const Settings& settings) { return settings.seed; }},
      {"seeds", set_seeds, [](const Settings& settings) { return seeds_of(settings); }},
      number("seed_transition", &Settings::seed_transition, 0, kLongestTransition),
      flag("cross_frame_attention", &Settings::cross_frame_attention),
      number("similarity_threshold", &Settings::similarity_threshold, 0, 1),
      integer("max_skip_frame", &Settings::max_skip_frame, 0, kMostSteps),
      {"loras", set_loras, loras_of},
  };
  return all;
}

/// Checks the fields that depend on one another.
void check_together(const Settings& settings) {
  if (!settings.t_index_list.empty() && settings.t_index_list.back() >= settings.num_inference_steps) {
    throw FieldError("t_index_list", "must have indices below num_inference_steps, which is " +
                                         std::to_string(settings.num_inference_steps));
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
  for (const auto& [key, value] : json.items()) {
    const auto field =
        std::ranges::find_if(fields(), [&key = key](const Field& known) { return key == known.name; });
    if (field == fields().end()) {
      throw FieldError(key, "is no setting");
    }
    field->set(value, changed);
  }
  check_together(changed);
  settings = std::move(changed);
}

Json to_json(const Settings& settings) {
  Json json = Json::object();
  for (const Field& field : fields()) {
    json[field.name] = field.get(settings);
  }
  return json;
}

}  // namespace streamdiffusion
