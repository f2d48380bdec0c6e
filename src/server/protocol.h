#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

// The messages of docs/server.md. Nothing here knows a socket or a model.

inline constexpr int kProtocolVersion = 1;

/// A message breaks the protocol, or asks for what cannot be; becomes an `error` message.
class ProtocolError : public Error {
 public:
  ProtocolError(std::string code, const std::string& message) : Error(message), code_(std::move(code)) {}
  [[nodiscard]] const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// What a client's frame says of itself, and what comes back with its answer.
struct FrameTag {
  std::uint16_t variation = 0;
  std::uint32_t number = 0;
  double time = 0;
};

inline constexpr std::size_t kFrameHeaderSize = 16;
inline constexpr std::size_t kAnswerHeaderSize = 24;

/// Throws ProtocolError where the message is too short or of another kind.
FrameTag parse_frame_header(std::span<const std::uint8_t> message);

enum class FrameState : std::uint8_t { picture = 0, skipped = 1, dropped = 2, unreadable = 3 };

/// The answer to a frame: header and picture (empty unless there is one).
std::vector<std::uint8_t> make_answer(FrameState state, const FrameTag& tag,
                                      std::uint32_t server_microseconds, std::uint32_t dropped,
                                      std::span<const std::uint8_t> picture);

/// A client's text message.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct ClientMessage {
  enum class Type { settings, stream };
  Type type = Type::settings;
  nlohmann::json id;  ///< null where there is none
  nlohmann::json fields;
};

/// Throws ProtocolError for what is no message.
ClientMessage parse_message(std::string_view text);

/// The `error` message; `field` and `id` where there are any.
std::string make_error(const std::string& code, const std::string& message,
                       const nlohmann::json& id = nullptr, const std::string& field = {});

/// JSON as text; bytes that are no UTF-8 (of a file's name, say) are replaced.
std::string dump(const nlohmann::json& json);

}  // namespace streamdiffusion::server
