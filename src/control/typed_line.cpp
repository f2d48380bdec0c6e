#include "control/typed_line.h"

#include <algorithm>
#include <variant>

#include "control/settings_text.h"
#include "settings/setting.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSpace = " \t";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

void check_utf8(std::string_view line) {
  try {
    static_cast<void>(Json(line).dump());
  } catch (const Json::type_error&) {
    throw ArgumentError("what was typed is not valid UTF-8; set the terminal to UTF-8");
  }
}

/// Parses a LoRA's name and scale, such as "style 0.7".
Json lora_of(std::string_view value) {
  const std::size_t space = value.find_last_of(kSpace);
  if (space == std::string_view::npos) throw ArgumentError("/lora takes a name and a scale: /lora style 0.7");
  const std::string name(trimmed(value.substr(0, space)));
  const Json scale = Json::parse(value.substr(space + 1), nullptr, false);
  return {{"loras", {{name, scale.is_discarded() ? Json(value.substr(space + 1)) : scale}}}};
}

bool is_text(const Setting& setting) {
  return std::holds_alternative<TextSetting>(setting.type) ||
         std::holds_alternative<PromptSetting>(setting.type);
}

TypedLine command(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(kSpace), line.size());
  std::string name(line.substr(0, end));
  std::ranges::replace(name, '-', '_');
  const std::string value(trimmed(line.substr(end)));
  if (name == "help") return {TypedLine::Kind::help, {}};
  if (name == "show") return {TypedLine::Kind::show, {}};
  if (name == "quit") return {TypedLine::Kind::quit, {}};
  if (name == "lora") return {TypedLine::Kind::change, lora_of(value)};
  const Setting* const setting = find_setting(name);
  if (setting == nullptr) throw ArgumentError("there is no /" + name + "; /help lists what there is");
  if (value.empty() && !is_text(*setting))
    throw ArgumentError("/" + name + " takes a value; /help shows how");
  return {TypedLine::Kind::change, {{name, value_of_text(*setting, value)}}};
}

}  // namespace

TypedLine parse_typed_line(std::string_view line) {
  check_utf8(line);
  line = trimmed(line);
  if (line.empty()) return {};
  if (!line.starts_with('/')) return {TypedLine::Kind::change, {{"prompt", line}}};
  if (line.starts_with("//")) return {TypedLine::Kind::change, {{"prompt", line.substr(1)}}};
  return command(line.substr(1));
}

std::string typed_line_help() {
  std::string settings;
  for (const Setting& setting : settings_table()) settings += " /" + std::string(setting.name);
  return "a line is a new prompt (one that begins with a slash: //)\n"
         "/strength 0.5, /steps 2, /seed -1, /cfg_type full, /t_index_list 16 32, ... set one setting; there "
         "are:\n" +
         settings +
         "\n"
         "/lora NAME SCALE sets a LoRA's scale\n"
         "/show shows all settings, /quit ends and completes the output";
}

}  // namespace streamdiffusion
