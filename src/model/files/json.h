#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Parses one JSON value as Python does: UTF-8, the last of repeated keys counts. `NaN`, `Infinity` and
/// `-Infinity` are not JSON; they become strings, so that no field takes them for a number. Throws Error that
/// begins with `where` if `text` is invalid or nested deeper than 64.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// Parses JSON like parse_json, and throws Error if the value is not an object.
nlohmann::json parse_json_object(std::string_view text, const std::string& where);

/// Parses a JSON object. Throws Error for Python's constants and for repeated keys at any depth.
nlohmann::json parse_strict_json_object(std::string_view text, const std::string& where);

/// Returns a value as JSON, cut after 80 characters to fit an error message.
std::string show_json(const nlohmann::json& value);

}  // namespace streamdiffusion
