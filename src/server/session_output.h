#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/protocol.h"

namespace streamdiffusion::server {

/// The one answer to a frame.
struct FrameAnswer {
  FrameState state = FrameState::picture;
  FrameTag tag;
  bool is_text_to_image = false;
  std::chrono::steady_clock::time_point arrival;
  std::uint32_t dropped = 0;          ///< frames of the session, so far
  std::vector<std::uint8_t> picture;  ///< a picture file; empty unless `state` is picture
};

/// Where a session's messages go: a WebSocket, or whoever else asked for pictures. Called on the engine's
/// threads, which it must not hold up, and never once Engine::close has returned.
class SessionOutput {
 public:
  virtual ~SessionOutput() = default;
  virtual void send(std::string message) = 0;
  virtual void send(FrameAnswer answer) = 0;
};

}  // namespace streamdiffusion::server
