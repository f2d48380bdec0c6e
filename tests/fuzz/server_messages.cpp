// Checks that any message of a client has fields in their ranges or is an error that changes nothing. The
// input is a message; its first line is also read as a header's value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "control/settings_json.h"
#include "server/access.h"
#include "server/protocol.h"
#include "server/stream_settings.h"
#include "settings/setting.h"

namespace {

using namespace streamdiffusion;
using namespace streamdiffusion::server;

constexpr int kLargestSide = 1024;

void check(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_settings(const nlohmann::json& fields) {
  Settings settings;
  const nlohmann::json before = to_json(settings);
  try {
    apply_json(fields, settings);
    check(settings.parameters.prompt.size() <= kLongestPrompt);
    static_cast<void>(dump(to_json(settings)));
  } catch (const FieldError&) {
    check(to_json(settings) == before);
  }
}

void check_stream(const nlohmann::json& fields) {
  const StreamSettings before{.model = "default", .width = 512, .height = 512};
  StreamSettings settings = before;
  try {
    apply_json(fields, kLargestSide, settings);
    check(settings.width > 0 && settings.width <= kLargestSide);
    check(settings.height > 0 && settings.height <= kLargestSide);
    check(settings.frame_buffer > 0 && settings.quality >= 0 && settings.quality <= 100);
    static_cast<void>(dump(to_json(settings)));
  } catch (const FieldError&) {
    check(settings == before);
  }
}

void check_access(std::string_view header) {
  const AccessRules rules{.token = "secret", .allowed_hosts = {"studio"}, .allowed_origins = {}};
  check(!has_token(rules, header, "") || header.ends_with("secret"));
  static_cast<void>(is_allowed_host(rules, header));
  check(!is_allowed_origin(rules, header, "studio:8080", false) || header.empty() ||
        header.ends_with("studio:8080"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  check_access(input.substr(0, input.find('\n')));
  try {
    static_cast<void>(parse_frame_header({data, size}));
  } catch (const ProtocolError&) {
  }
  try {
    const ClientMessage message = parse_message(input);
    check_settings(message.fields);
    check_stream(message.fields);
    static_cast<void>(make_error("invalid", "wrong", message.id, "field"));
  } catch (const ProtocolError& error) {
    check(!error.code().empty());
  }
  return 0;
}
