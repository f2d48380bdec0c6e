#include "control/settings_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <functional>
#include <random>
#include <utility>

namespace streamdiffusion {

namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestPrompt = 10000;  // bytes; a prompt of 77 tokens has some 400
constexpr int kMostSteps = 1000;
constexpr float kLargestScale = 1000;

/// One field of Settings as JSON.
struct Field {
  const char* name;
  std::function<void(const Json&, Settings&)> set;
  std::function<Json(const Settings&)> get;
};

std::string text_of(float number) {
  std::array<char, 32> text{};
  const std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), number);
  return {text.data(), end.ptr};
}

/// 0.7, not the 0.699999988 that the float is.
double short_number(float number) { return std::stod(text_of(number)); }

float number_of(const char* name, const Json& value, float low, float high) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    throw FieldError(name, "must be a number from " + text_of(low) + " to " + text_of(high));
  }
  return value.get<float>();
}

int integer_of(const char* name, const Json& value, int low, int high) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > kMostSteps) ||
      value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    throw FieldError(name,
                     "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return value.get<int>();
}

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
                     "must be a list of whole numbers; an empty one leaves it to strength and steps");
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

void set_seed(const Json& value, Settings& settings) {
  if (value.is_number_integer() && !value.is_number_unsigned() && value.get<std::int64_t>() == -1) {
    settings.seed = std::random_device{}() & 0x7fffffffU;  // fits what users copy into other programs
  } else if (value.is_number_unsigned()) {
    settings.seed = value.get<std::uint64_t>();
  } else {
    throw FieldError("seed", "must be a whole number from 0 on, or -1 for a drawn one");
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
      text("prompt", &Settings::prompt),
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
      flag("cross_frame_attention", &Settings::cross_frame_attention),
      number("similarity_threshold", &Settings::similarity_threshold, 0, 1),
      integer("max_skip_frame", &Settings::max_skip_frame, 0, kMostSteps),
      {"loras", set_loras, loras_of},
  };
  return all;
}

/// What only shows where fields come together.
void check_together(const Settings& settings) {
  if (!settings.t_index_list.empty() && settings.t_index_list.back() >= settings.num_inference_steps) {
    throw FieldError("t_index_list", "must have indices below num_inference_steps, which is " +
                                         std::to_string(settings.num_inference_steps));
  }
  try {
    make_parameters(settings);
  } catch (const Error& error) {
    throw FieldError("steps", std::string("does not go with strength: ") + error.what());
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
