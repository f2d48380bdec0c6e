#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// Parses JSON strictly: one value, UTF-8, no key twice in an object, not nested deeper than 64. Throws Error
/// that begins with `where`.
nlohmann::json parse_json(std::string_view text, const std::string& where);

/// The same for what must be an object.
nlohmann::json parse_json_object(std::string_view text, const std::string& where);

/// A value as it looks in JSON, cut to a length that fits a message.
std::string show_json(const nlohmann::json& value);

}  // namespace streamdiffusion
