#pragma once

#include <chrono>

namespace streamdiffusion::server {

// Time limits of several kinds of connections.
inline constexpr std::chrono::seconds kHandshakeLimit{15};  ///< of TLS and of WebSocket, each
inline constexpr std::chrono::seconds kWriteLimit{30};      ///< for a part of an answer to be sent
inline constexpr std::chrono::milliseconds kStopInterval{
    500};  ///< between two looks whether the server stops

}  // namespace streamdiffusion::server
