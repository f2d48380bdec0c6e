#include "model/files/json.h"

#include <unordered_set>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

constexpr int kDeepest = 64;
constexpr std::size_t kShown = 80;

/// Watches a parse for what nlohmann accepts and we do not.
class Strictness {
 public:
  explicit Strictness(const std::string& where) : where_(where) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > kDeepest) {
      throw Error(where_ + ": JSON is nested deeper than " + std::to_string(kDeepest));
    }
    if (event == json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw Error(where_ + ": key " + show_json(parsed) + " occurs twice");
    }
    return true;
  }

 private:
  const std::string& where_;
  std::vector<std::unordered_set<std::string>> keys_;  // of each open object
};

}  // namespace

json parse_json(std::string_view text, const std::string& where) {
  Strictness strictness(where);
  try {
    return json::parse(text.begin(), text.end(), std::ref(strictness));
  } catch (const json::exception& error) {
    throw Error(where + ": is not valid JSON: " + error.what());
  }
}

json parse_json_object(std::string_view text, const std::string& where) {
  json parsed = parse_json(text, where);
  if (!parsed.is_object()) {
    throw Error(where + ": must be a JSON object, not " + show_json(parsed));
  }
  return parsed;
}

std::string show_json(const json& value) {
  // ASCII, so that it can be cut anywhere; texts from other files may be no UTF-8.
  std::string shown = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (shown.size() > kShown) {
    shown.resize(kShown);
    shown += "...";
  }
  return shown;
}

}  // namespace streamdiffusion
