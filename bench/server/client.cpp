#include "server/client.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace streamdiffusion::bench {

namespace asio = boost::asio;
using asio::ip::tcp;

Client::Client(int port) {
  tcp::socket& socket = socket_.next_layer();
  socket.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)});
  socket.set_option(tcp::no_delay(true));
  socket_.handshake("localhost:" + std::to_string(port), "/v1/stream");
  receive_text("hello");
}

void Client::change(const std::string& type, const nlohmann::json& fields) {
  socket_.text(true);
  socket_.write(asio::buffer(nlohmann::json{{"type", type}, {type, fields}}.dump()));
  receive_text(type);
}

nlohmann::json Client::receive_text(const std::string& type) {
  for (;;) {
    buffer_.clear();
    socket_.read(buffer_);
    if (!socket_.got_text()) {
      continue;
    }
    const auto* const text = static_cast<const char*>(buffer_.data().data());
    nlohmann::json message = nlohmann::json::parse(text, text + buffer_.size());
    if (message["type"] == "error") {
      throw std::runtime_error(message["message"]);
    }
    if (message["type"] == type) {
      return message;
    }
  }
}

void Client::send_frame(std::uint32_t number, std::span<const std::uint8_t> image) {
  socket_.binary(true);
  socket_.write(asio::buffer(make_frame_message(number, image)));
}

Client::Answer Client::receive() {
  do {
    buffer_.clear();
    socket_.read(buffer_);
  } while (!socket_.got_binary() || buffer_.size() < server::kAnswerHeaderSize);
  const auto* const bytes = static_cast<const std::uint8_t*>(buffer_.data().data());
  Answer answer{.state = static_cast<server::FrameState>(bytes[1]),
                .image_bytes = buffer_.size() - server::kAnswerHeaderSize};
  std::memcpy(&answer.number, bytes + 4, sizeof(answer.number));
  return answer;
}

std::vector<std::uint8_t> make_frame_message(std::uint32_t number, std::span<const std::uint8_t> image) {
  std::vector<std::uint8_t> message(server::kFrameHeaderSize + image.size());
  message[0] = 1;
  std::memcpy(message.data() + 4, &number, sizeof(number));
  std::ranges::copy(image, message.begin() + server::kFrameHeaderSize);
  return message;
}

}  // namespace streamdiffusion::bench
