#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// A parsed line that a user typed while a stream runs.
struct TypedLine {
  enum class Kind { nothing, change, help, show, quit };
  Kind kind = Kind::nothing;
  nlohmann::json fields;  ///< Argument of apply_json, if `kind` is change.
};

/// Parses a typed line. A line is a new prompt unless it begins with a slash; "//" begins a prompt with a
/// slash. Lines such as "/strength 0.5" or "/lora style 0.7" change a setting. The commands are "/help",
/// "/show" and "/quit". Throws Error for invalid UTF-8, an unknown command or a missing value.
TypedLine parse_typed_line(std::string_view line);

/// Returns the text of /help.
std::string typed_line_help();

}  // namespace streamdiffusion
