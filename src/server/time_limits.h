#pragma once

#include <chrono>

namespace streamdiffusion::server {

// Time limits that several kinds of connections share.
inline constexpr std::chrono::seconds kHandshakeLimit{15};  ///< Limit of each handshake, TLS and WebSocket.
inline constexpr std::chrono::seconds kWriteLimit{30};      ///< Limit of sending one part of an answer.
/// Interval at which waiting coroutines check if the server stops.
inline constexpr std::chrono::milliseconds kStopInterval{500};

}  // namespace streamdiffusion::server
