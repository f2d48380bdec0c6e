#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "server/protocol.h"

namespace streamdiffusion::bench {

using SteadyClock = std::chrono::steady_clock;

inline double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// A blocking client of one session (docs/server.md). It does as little as possible, so that the server is
/// measured and not the client. Throws boost::system::system_error if the connection is lost.
class Client {
 public:
  explicit Client(int port);

  /// Changes fields of `type`, "settings" or "stream", and waits until they are in effect.
  void change(const std::string& type, const nlohmann::json& fields);
  void send_frame(std::uint32_t number, std::span<const std::uint8_t> image);

  struct Answer {
    server::FrameState state = server::FrameState::image;
    std::uint32_t number = 0;
    std::size_t image_bytes = 0;
  };
  /// Waits for the next answer to a frame and ignores other messages.
  Answer receive();

  boost::asio::ip::tcp::socket& socket() { return socket_.next_layer(); }

 private:
  nlohmann::json receive_text(const std::string& type);

  boost::asio::io_context io_;
  boost::beast::websocket::stream<boost::asio::ip::tcp::socket> socket_{io_};
  boost::beast::flat_buffer buffer_;
};

/// Builds a client's frame message. `image` is an image file.
std::vector<std::uint8_t> make_frame_message(std::uint32_t number, std::span<const std::uint8_t> image);

}  // namespace streamdiffusion::bench
