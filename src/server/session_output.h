#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/protocol.h"

namespace streamdiffusion::server {

/// The answer to a frame. Each frame gets exactly one.
struct FrameAnswer {
  FrameState state = FrameState::image;
  FrameTag tag;
  bool is_text_to_image = false;
  std::chrono::steady_clock::time_point arrival;
  std::uint32_t dropped = 0;        ///< The session's dropped frames so far.
  std::vector<std::uint8_t> image;  ///< Image file; empty unless `state` is image.
};

/// The receiver of a session's messages: a WebSocket or another client that asked for images. It is called on
/// the engine's threads and must not block them. It is not called after Engine::close has returned.
class SessionOutput {
 public:
  virtual ~SessionOutput() = default;
  virtual void send(std::string message) = 0;
  virtual void send(FrameAnswer answer) = 0;
};

}  // namespace streamdiffusion::server
