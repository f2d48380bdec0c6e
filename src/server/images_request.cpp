#include "server/images_request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>
#include <vector>

#include "control/json_numbers.h"
#include "control/settings_json.h"

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr int kMostImages = 10;        // As in OpenAI's API.
constexpr int kMostPartialImages = 3;  // As in OpenAI's API.

RefusedRequest parameter_error(const std::string& param, const std::string& message) {
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
    throw parameter_error("size", "must be like 256x256, or auto");
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
  throw parameter_error(param, "must be one of " + text);
}

/// True for parameters of OpenAI's API that have no meaning here.
bool is_ignored(const std::string& name) {
  constexpr std::array kIgnored = {"user",       "quality",        "style",
                                   "moderation", "input_fidelity", "safety_identifier"};
  return std::ranges::find(kIgnored, name) != kIgnored.end();
}

int read_integer(const std::string& param, const Json& value, const Range<int>& range) {
  try {
    return integer_of(param, value, range);
  } catch (const FieldError& error) {
    throw RefusedRequest(Status::bad_request, error.what(), param);
  }
}

void read_field(const std::string& name, const Json& value, Order& order) {
  if (value.is_null() || is_ignored(name)) {
    return;
  }
  if (name == "n") {
    order.count = read_integer(name, value, {1, kMostImages});
  } else if (name == "size") {
    set_size(value, order);
  } else if (name == "response_format") {
    order.as_url = one_of(name, value, {"url", "b64_json"}) == "url";
  } else if (name == "output_format") {
    order.format = one_of(name, value, {"png", "jpeg", "webp"});
  } else if (name == "output_compression") {
    order.stream["quality"] = value;
  } else if (name == "background") {
    one_of(name, value, {"auto", "opaque"});
  } else if (name == "stream") {
    if (!value.is_boolean()) {
      throw parameter_error(name, "must be true or false");
    }
    order.is_streamed = value;
  } else if (name == "partial_images") {
    order.partial_images = read_integer(name, value, {0, kMostPartialImages});
  } else if (name == "model") {
    order.stream["model"] = value;
  } else {  // `prompt` and the other settings of docs/server.md
    order.settings[name] = value;
  }
}

/// Reads what both kinds of requests have.
Order read_fields(const Json& fields) {
  if (!fields.contains("prompt") || !fields["prompt"].is_string() ||
      fields["prompt"].get_ref<const std::string&>().empty()) {
    throw parameter_error("prompt", "must be a text that is not empty");
  }
  Order order;
  order.settings["seed"] = -1;  // A random seed: OpenAI's clients expect another image each time.
  for (const auto& [name, value] : fields.items()) {
    read_field(name, value, order);
  }
  order.stream["format"] = order.format;
  if (order.partial_images > 0 && !order.is_streamed) {
    throw parameter_error("partial_images", "goes with \"stream\": true");
  }
  if (order.is_streamed && order.as_url) {
    throw parameter_error("response_format", "must be b64_json with \"stream\": true");
  }
  return order;
}

}  // namespace

Json parse_body(const std::string& body) {
  Json json;
  try {
    json = Json::parse(body);
  } catch (const Json::exception& error) {
    throw RefusedRequest(Status::bad_request, std::string("the body is no JSON: ") + error.what());
  }
  if (!json.is_object()) {
    throw RefusedRequest(Status::bad_request, "the body must be a JSON object");
  }
  return json;
}

Order read_order(const Json& fields) {
  Order order = read_fields(fields);
  order.settings.emplace("strength", 1);  // the server's default would limit the number of steps
  return order;
}

Order read_edit_order(const Json& fields, std::vector<std::vector<std::uint8_t>> images) {
  Order order = read_fields(fields);
  if (images.size() * static_cast<std::size_t>(order.count) > kMostImages) {
    throw parameter_error("image", "and 'n' must make at most " + std::to_string(kMostImages) +
                                       " images together: each input image becomes 'n' of them");
  }
  order.inputs = std::move(images);
  // The images are unrelated, not frames of a stream.
  order.stream["denoising_batch"] = false;
  order.stream["frame_buffer"] = 1;
  for (const auto& [name, value] : {std::pair{"similarity_threshold", 1}, std::pair{"prompt_transition", 0},
                                    std::pair{"seed_transition", 0}}) {
    if (!order.settings.contains(name)) {
      order.settings[name] = value;
    }
  }
  return order;
}

}  // namespace streamdiffusion::server
