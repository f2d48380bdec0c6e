#include "settings.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <vector>

#include "control/settings_json.h"
#include "control/settings_schema.h"
#include "settings/settings.h"
#include "streamdiffusion/error.h"
#include "streamdiffusion/parameters.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

/// Checks settings that belong to no model yet, and returns all of them. LoRAs may have any name.
std::string complete_settings(const std::string& json) {
  const nlohmann::json given = parse_settings(json);
  Settings settings;
  if (given.is_object() && given.contains("loras") && given["loras"].is_object()) {
    for (const auto& [name, scale] : given["loras"].items()) {
      settings.parameters.lora_scales.push_back({.name = name});
    }
  }
  apply_json(given, settings);
  return text_of(to_json(settings));
}

}  // namespace

nlohmann::json parse_settings(const std::string& json) {
  try {
    return nlohmann::json::parse(json);
  } catch (const nlohmann::json::parse_error& error) {
    throw ArgumentError(std::string("a setting has a value that cannot be used: ") + error.what());
  }
}

std::string text_of(const nlohmann::json& settings) {
  return settings.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void add_settings(nb::module_& module) {
  module.def("complete_settings", complete_settings, "settings"_a);
  module.def("settings_schema", [] { return text_of(settings_schema()); });
  module.def("t_index_list_for", t_index_list_for, "strength"_a, "steps"_a, "num_inference_steps"_a = 50);
}

}  // namespace streamdiffusion::python
