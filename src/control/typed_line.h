#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace streamdiffusion {

/// A line that was typed while a stream runs.
struct TypedLine {
  enum class Kind { nothing, change, help, show, quit };
  Kind kind = Kind::nothing;
  nlohmann::json fields;  ///< of a change, for apply_json
};

/// A line is a new prompt; one that begins with / names what else it sets ("/strength 0.5", "/cfg-type full",
/// "/lora style 0.7") or asks for /help, /show or /quit. "//" begins a prompt with a slash. Throws Error for
/// a line that is UTF-8 no more, or a command without its value.
TypedLine parse_typed_line(std::string_view line);

/// What /help says.
std::string typed_line_help();

}  // namespace streamdiffusion
