#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Parses JSON as Python writes and reads it: one value, UTF-8, of a repeated key the last value, not nested
/// deeper than 64. `NaN`, `Infinity` and `-Infinity`, which JSON has no numbers for, become texts of these
/// names, so that no field takes them for a number. Throws Error that begins with `where`.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// The same for what must be an object.
nlohmann::json parse_json_object(std::string_view text, const std::string& where);

/// Parses an object whose format forbids these constants and repeated keys, also in the objects inside.
nlohmann::json parse_strict_json_object(std::string_view text, const std::string& where);

/// A value as it looks in JSON, cut to a length that fits a message.
std::string show_json(const nlohmann::json& value);

}  // namespace streamdiffusion
