#include "model/files/json.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

constexpr int kDeepest = 64;  // Far above any model's files; limits the recursion.
constexpr std::size_t kShown = 80;

// Number constants that Python writes and JSON does not have.
constexpr std::array<std::string_view, 3> kConstants = {"-Infinity", "Infinity", "NaN"};

/// Returns the Python constant that `text` begins with, or an empty text.
std::string_view constant_at(std::string_view text) {
  const auto* const found = std::ranges::find_if(
      kConstants, [text](std::string_view constant) { return text.starts_with(constant); });
  return found == kConstants.end() ? std::string_view() : *found;
}

/// Puts quotation marks around Python's constants, except inside strings.
std::string quote_constants(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size());
  bool in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view constant = in_text ? std::string_view() : constant_at(text.substr(at));
    if (!constant.empty()) {
      quoted.append("\"").append(constant).append("\"");
      at += constant.size() - 1;
      continue;
    }
    in_text = in_text != (text[at] == '"');
    quoted += text[at];
    if (in_text && text[at] == '\\' && at + 1 < text.size()) {
      quoted += text[++at];  // an escaped quotation mark does not end the string
    }
  }
  return quoted;
}

bool has_constants(std::string_view text) {
  return text.find("NaN") != std::string_view::npos || text.find("Infinity") != std::string_view::npos;
}

void check_depth(int depth, const std::string& where) {
  if (depth > kDeepest) {
    throw FileError(where + ": JSON is nested deeper than " + std::to_string(kDeepest));
  }
}

/// A parser callback that throws Error for repeated keys.
class UniqueKeys {
 public:
  explicit UniqueKeys(const std::string& where) : where_(where) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    check_depth(depth, where_);
    if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw FileError(where_ + ": key " + show_json(parsed) + " occurs twice");
    }
    return true;
  }

 private:
  const std::string& where_;
  std::vector<std::unordered_set<std::string>> keys_;  // one set per open object
};

json parse(std::string_view text, const json::parser_callback_t& watch, const std::string& where) {
  try {
    return json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& error) {
    throw FileError(where + ": is not valid JSON: " + error.what());
  }
}

json require_object(json parsed, const std::string& where) {
  if (!parsed.is_object()) {
    throw FileError(where + ": must be a JSON object, not " + show_json(parsed));
  }
  return parsed;
}

}  // namespace

json parse_json(std::string_view text, const std::string& where) {
  const auto watch = [&where](int depth, json::parse_event_t, const json&) {
    check_depth(depth, where);
    return true;
  };
  return has_constants(text) ? parse(quote_constants(text), watch, where) : parse(text, watch, where);
}

json parse_json_object(std::string_view text, const std::string& where) {
  return require_object(parse_json(text, where), where);
}

json parse_strict_json_object(std::string_view text, const std::string& where) {
  UniqueKeys unique_keys(where);
  return require_object(parse(text, std::ref(unique_keys), where), where);
}

std::string show_json(const json& value) {
  // ASCII can be cut anywhere. Strings from other files may be invalid UTF-8.
  std::string shown = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (shown.size() > kShown) {
    shown.resize(kShown);
    shown += "...";
  }
  return shown;
}

}  // namespace streamdiffusion
