#include "server/images_request.h"

#include <charconv>
#include <vector>

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr int kMostPictures = 10;

Refused wrong(const std::string& param, const std::string& message) {
  return {Status::bad_request, "'" + param + "' " + message, param};
}

void set_size(const Json& value, Order& order) {
  const std::string text = value.is_string() ? value.get<std::string>() : "";
  if (text == "auto") {
    return;
  }
  int width = 0;
  int height = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, width);
  const bool cross = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
  const auto second = cross ? std::from_chars(first.ptr + 1, end, height) : first;
  if (!cross || second.ec != std::errc() || second.ptr != end) {
    throw wrong("size", "must be like 256x256, or auto");
  }
  order.stream["width"] = width;
  order.stream["height"] = height;
}

std::string one_of(const std::string& param, const Json& value, const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    if (value == name) {
      return name;
    }
    text += (text.empty() ? "" : ", ") + name;
  }
  throw wrong(param, "must be one of " + text);
}

/// Of OpenAI's parameters that mean nothing here.
bool is_ignored(const std::string& name) {
  return name == "user" || name == "quality" || name == "style" || name == "background" ||
         name == "moderation";
}

void read_field(const std::string& name, const Json& value, Order& order) {
  if (value.is_null() || is_ignored(name)) {
    return;
  }
  if (name == "n") {
    if (!value.is_number_integer() || value < 1 || value > kMostPictures) {
      throw wrong("n", "must be a whole number from 1 to " + std::to_string(kMostPictures));
    }
    order.count = value;
  } else if (name == "size") {
    set_size(value, order);
  } else if (name == "response_format") {
    order.as_url = one_of(name, value, {"url", "b64_json"}) == "url";
  } else if (name == "output_format") {
    order.format = one_of(name, value, {"png", "jpeg", "webp"});
  } else if (name == "output_compression") {
    order.stream["quality"] = value;
  } else if (name == "model") {
    order.stream["model"] = value;
  } else {  // the settings of docs/server.md, `prompt` first of all
    order.settings[name] = value;
  }
}

}  // namespace

Json parse_body(const std::string& body) {
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception& error) {
    throw Refused(Status::bad_request, std::string("the body is no JSON: ") + error.what());
  }
  if (!json.is_object()) {
    throw Refused(Status::bad_request, "the body must be a JSON object");
  }
  return json;
}

Order read_order(const Json& fields) {
  if (!fields.contains("prompt") || !fields["prompt"].is_string() ||
      fields["prompt"].get_ref<const std::string&>().empty()) {
    throw wrong("prompt", "must be a text that is not empty");
  }
  Order order;
  order.settings["seed"] = -1;  // another picture each time, as such APIs do
  for (const auto& [name, value] : fields.items()) {
    read_field(name, value, order);
  }
  order.stream["format"] = order.format;
  return order;
}

}  // namespace streamdiffusion::server
