#include "server/protocol.h"

#include <algorithm>
#include <bit>
#include <concepts>

namespace streamdiffusion::server {

namespace {

using Json = nlohmann::json;

constexpr std::uint8_t kFrameKind = 1;
constexpr std::size_t kLongestId = 200;  // Far above a UUID's 36; it is sent back.
constexpr int kDeepestJson = 16;

template <std::unsigned_integral Number>
Number read(std::span<const std::uint8_t> bytes, std::size_t offset) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number = static_cast<Number>(number | (static_cast<Number>(bytes[offset + i]) << (8 * i)));
  }
  return number;
}

/// Writes `number` in little-endian order to the front of `rest` and removes those bytes from it.
template <std::unsigned_integral Number>
void put(Number number, std::span<std::uint8_t>& rest) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    rest[i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  rest = rest.subspan(sizeof(Number));
}

Json parse_json(std::string_view text) {
  const auto not_too_deep = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kDeepestJson) {
      throw ProtocolError("message", "the message is nested too deeply");
    }
    return true;
  };
  try {
    return Json::parse(text, not_too_deep);
  } catch (const Json::exception& error) {
    throw ProtocolError("message", std::string("the message is no JSON: ") + error.what());
  }
}

Json id_of(const Json& message) {
  const auto id = message.find("id");
  if (id == message.end()) {
    return nullptr;
  }
  const bool short_text = id->is_string() && id->get_ref<const std::string&>().size() <= kLongestId;
  if (!id->is_number() && !short_text && !id->is_null()) {
    throw ProtocolError("message", "\"id\" must be a number or a short text");
  }
  return *id;
}

}  // namespace

FrameTag parse_frame_header(std::span<const std::uint8_t> message) {
  if (message.size() < kFrameHeaderSize) {
    throw ProtocolError("message", "a binary message begins with a header of 16 bytes");
  }
  if (message[0] != kFrameKind) {
    throw ProtocolError("message", "the first byte of a binary message must be 1");
  }
  if (message[1] != 0) {
    throw ProtocolError("message", "the second byte of a binary message must be 0");
  }
  return {.variation = read<std::uint16_t>(message, 2),
          .number = read<std::uint32_t>(message, 4),
          .time = std::bit_cast<double>(read<std::uint64_t>(message, 8))};
}

std::vector<std::uint8_t> make_answer(FrameState state, const FrameTag& tag,
                                      std::uint32_t server_microseconds, std::uint32_t dropped,
                                      std::span<const std::uint8_t> image) {
  std::vector<std::uint8_t> bytes(kAnswerHeaderSize + image.size());
  std::span<std::uint8_t> rest(bytes);
  put(kFrameKind, rest);
  put(static_cast<std::uint8_t>(state), rest);
  put(tag.variation, rest);
  put(tag.number, rest);
  put(std::bit_cast<std::uint64_t>(tag.time), rest);
  put(server_microseconds, rest);
  put(dropped, rest);
  std::ranges::copy(image, rest.begin());
  return bytes;
}

ClientMessage parse_message(std::string_view text) {
  Json json = parse_json(text);
  if (!json.is_object() || !json.contains("type") || !json["type"].is_string()) {
    throw ProtocolError("message", "a text message is a JSON object with a \"type\"");
  }
  const std::string type = json["type"];
  if (type != "settings" && type != "stream") {
    throw ProtocolError("message", "there is no message of type \"" + type.substr(0, kLongestId) + "\"");
  }
  ClientMessage message;
  message.type = type == "stream" ? ClientMessage::Type::stream : ClientMessage::Type::settings;
  message.id = id_of(json);
  message.fields = json.contains(type) ? std::move(json[type]) : Json();
  return message;
}

std::string make_error(const std::string& code, const std::string& message, const Json& id,
                       const std::string& field) {
  Json json = {{"type", "error"}, {"code", code}, {"message", message}};
  if (!id.is_null()) {
    json["id"] = id;
  }
  if (!field.empty()) {
    json["field"] = field;
  }
  return dump(json);
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace streamdiffusion::server
