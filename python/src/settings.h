#pragma once

#include <nanobind/nanobind.h>

#include <nlohmann/json.hpp>
#include <string>

namespace streamdiffusion::python {

/// Parses settings in JSON. Throws ArgumentError.
nlohmann::json parse_settings(const std::string& json);
/// Returns settings as text.
std::string text_of(const nlohmann::json& settings);

/// Adds the functions to the module that deal with settings without a stream.
void add_settings(nanobind::module_& module);

}  // namespace streamdiffusion::python
