#include "server/bad_clients.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "server/measurements.h"

namespace streamdiffusion::bench {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Bytes = std::vector<std::uint8_t>;

constexpr int kVisitors = 200;
constexpr std::chrono::milliseconds kPause{50};

constexpr const char* kUpgrade =
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

tcp::socket connect(asio::io_context& io, int port) {
  tcp::socket socket(io);
  socket.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
  return socket;
}

/// Builds a WebSocket message with opcode `kind`, masked with zeros.
Bytes make_message(std::uint8_t kind, const Bytes& content) {
  constexpr int kLengthBytes = 8;
  Bytes message = {static_cast<std::uint8_t>(0x80 | kind), 0x80 | 127};
  for (int i = kLengthBytes - 1; i >= 0; --i) {
    message.push_back(static_cast<std::uint8_t>(content.size() >> (8 * i)));
  }
  message.insert(message.end(), {0, 0, 0, 0});
  message.insert(message.end(), content.begin(), content.end());
  return message;
}

Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(random());
  }
  return bytes;
}

void reset(tcp::socket& socket) {
  socket.set_option(asio::socket_base::linger(true, 0));
  socket.close();
}

/// Runs `round` until `stop`. Errors are ignored because the server may refuse or close any connection.
template <typename Round>
void repeat(const std::atomic<bool>& stop, std::atomic<int>& rounds, Round round) {
  while (!stop) {
    try {
      round();
    } catch (const boost::system::system_error&) {
    }
    ++rounds;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace

void read_nothing(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds) {
  const Bytes frame = make_message(2, make_frame_message(1, make_image(128)));
  repeat(stop, rounds, [&] {
    asio::io_context io;
    tcp::socket socket = connect(io, port);
    socket.set_option(asio::socket_base::receive_buffer_size(4096));
    asio::write(socket, asio::buffer(std::string(kUpgrade)));
    socket.non_blocking(true);
    for (std::size_t sent = 0; !stop; sent %= frame.size()) {
      boost::system::error_code error;
      sent += socket.write_some(asio::buffer(frame.data() + sent, frame.size() - sent), error);
      if (error && error != asio::error::would_block) {
        return;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
}

void send_garbage(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds) {
  std::mt19937 random(1);
  const Bytes image = make_image(64);
  repeat(stop, rounds, [&] {
    asio::io_context io;
    tcp::socket raw = connect(io, port);
    asio::write(raw, asio::buffer(random_bytes(random, 500)));
    raw.close();
    tcp::socket socket = connect(io, port);
    asio::write(socket, asio::buffer(std::string(kUpgrade)));
    for (int i = 0; i < 20; ++i) {
      Bytes damaged = image;
      damaged.at(random() % damaged.size()) = static_cast<std::uint8_t>(random());
      damaged.resize(random() % damaged.size());
      asio::write(socket, asio::buffer(make_message(2, make_frame_message(7, damaged))));
      asio::write(socket, asio::buffer(make_message(2, random_bytes(random, 100))));
      const std::string text = R"({"type":"settings","settings":{"steps":)" + std::to_string(random()) + "}}";
      asio::write(socket, asio::buffer(make_message(1, {text.begin(), text.end()})));
    }
    asio::write(socket, asio::buffer(random_bytes(random, 5000)));
    std::array<char, 4096> answer{};
    socket.read_some(asio::buffer(answer));
  });
}

void leave_in_mid_frame(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds) {
  const Bytes frame = make_message(2, make_frame_message(1, make_image(128)));
  repeat(stop, rounds, [&] {
    asio::io_context io;
    tcp::socket socket = connect(io, port);
    asio::write(socket, asio::buffer(std::string(kUpgrade)));
    std::array<char, 1024> hello{};
    socket.read_some(asio::buffer(hello));
    asio::write(socket, asio::buffer(frame));
    asio::write(socket, asio::buffer(frame.data(), frame.size() / 2));
    std::this_thread::sleep_for(kPause);
    reset(socket);
  });
}

void come_and_go(int port, const std::atomic<bool>& stop, std::atomic<int>& rounds) {
  repeat(stop, rounds, [&] {
    asio::io_context io;
    std::vector<tcp::socket> visitors;
    for (int i = 0; i < kVisitors && !stop; ++i) {
      visitors.push_back(connect(io, port));
      if (i % 2 == 0) {
        asio::write(visitors.back(), asio::buffer(std::string(kUpgrade)));
      }
    }
    std::this_thread::sleep_for(kPause);
    for (std::size_t i = 0; i < visitors.size(); i += 3) {
      reset(visitors[i]);
    }
  });
}

}  // namespace streamdiffusion::bench
