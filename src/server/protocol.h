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

// Parses and builds the messages of docs/server.md. Nothing here depends on sockets or models.

inline constexpr int kProtocolVersion = 1;

/// The error of a message that breaks the protocol or cannot be served. It is sent as an `error` message.
class ProtocolError : public Error {
 public:
  ProtocolError(std::string code, const std::string& message) : Error(message), code_(std::move(code)) {}
  [[nodiscard]] const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// The header of a client's frame, returned with its answer.
struct FrameTag {
  std::uint16_t variation = 0;  ///< Variation of the seed's noise, for text to image.
  std::uint32_t number = 0;     ///< Chosen by the client; not interpreted.
  double time = 0;              ///< Chosen by the client; not interpreted.
};

inline constexpr std::size_t kFrameHeaderSize = 16;
inline constexpr std::size_t kAnswerHeaderSize = 24;

/// Parses the first 16 bytes of a binary message. Throws ProtocolError if it is shorter or of another kind.
FrameTag parse_frame_header(std::span<const std::uint8_t> message);

enum class FrameState : std::uint8_t { image = 0, skipped = 1, dropped = 2, unreadable = 3 };

/// Builds the answer to a frame: a header of 24 bytes and the image file, which may be empty.
/// `server_microseconds` is the time from arrival to sending, `dropped` the session's dropped frames so far.
std::vector<std::uint8_t> make_answer(FrameState state, const FrameTag& tag,
                                      std::uint32_t server_microseconds, std::uint32_t dropped,
                                      std::span<const std::uint8_t> image);

/// A client's text message.
// NOLINTNEXTLINE(bugprone-exception-escape): what moving JSON checks cannot fail
struct ClientMessage {
  enum class Type { settings, stream };
  Type type = Type::settings;
  nlohmann::json id;  ///< The client's id of the request; null if there is none.
  nlohmann::json fields;
};

/// Parses a text message. Throws ProtocolError if it is not valid.
ClientMessage parse_message(std::string_view text);

/// Builds an `error` message, with `id` unless null and `field` unless empty.
std::string make_error(const std::string& code, const std::string& message,
                       const nlohmann::json& id = nullptr, const std::string& field = {});

/// Serialises JSON. Bytes that are not UTF-8, for example in a file name, are replaced.
std::string dump(const nlohmann::json& json);

}  // namespace streamdiffusion::server
