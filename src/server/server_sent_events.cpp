#include "server/server_sent_events.h"

#include <array>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <chrono>
#include <utility>

#include "server/protocol.h"
#include "server/time_limits.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

std::string make_chunk(const std::string& text) {
  std::array<char, 16> size{};
  const std::to_chars_result end = std::to_chars(size.data(), size.data() + size.size(), text.size(), 16);
  return std::string(size.data(), end.ptr) + "\r\n" + text + "\r\n";
}

}  // namespace

std::string make_event(const nlohmann::json& data) {
  return "event: " + data.at("type").get<std::string>() + "\ndata: " + dump(data) + "\n\n";
}

asio::awaitable<void> EventStream::send(const nlohmann::json& data) {
  const std::string event = make_event(data);
  std::string text = std::exchange(has_begun_, true) ? "" : header();
  text += is_chunked() ? make_chunk(event) : event;
  co_await write(std::move(text));
}

asio::awaitable<void> EventStream::end() {
  if (is_chunked()) {
    co_await write("0\r\n\r\n");
  }
}

asio::awaitable<void> EventStream::write(std::string text) {
  socket_.tcp().expires_after(kWriteLimit);
  co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
  socket_.tcp().expires_never();
}

std::string EventStream::header() const {
  Response response = make_response(request_, Status::ok, "text/event-stream", {});
  response.erase(http::field::content_length);
  response.chunked(is_chunked());
  response.keep_alive(false);
  response.set(http::field::cache_control, "no-store");
  allow_origin(request_, server_, response);
  std::string text = is_chunked() ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.0 200 OK\r\n";
  for (const auto& field : response.base()) {
    text += std::string(field.name_string()) + ": " + std::string(field.value()) + "\r\n";
  }
  return text + "\r\n";
}

}  // namespace streamdiffusion::server
