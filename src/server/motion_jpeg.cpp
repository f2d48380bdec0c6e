#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>

#include "server/http.h"
#include "server/time_limits.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::asio::use_awaitable;

constexpr const char* kBoundary = "streamdiffusion-image";
constexpr std::chrono::seconds kLongestWait{60};  // The connection ends after this time without a frame.

std::string part_header(const std::vector<std::uint8_t>& image) {
  constexpr std::uint8_t kFirstOfWebp = 'R';  // WebP files begin with "RIFF".
  constexpr std::uint8_t kFirstOfPng = 0x89;
  const char* const type = image.front() == kFirstOfWebp  ? "image/webp"
                           : image.front() == kFirstOfPng ? "image/png"
                                                          : "image/jpeg";
  return std::string("--") + kBoundary + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(image.size()) + "\r\n\r\n";
}

asio::awaitable<void> send_headers(Socket& socket, const Request& request) {
  http::response<http::empty_body> response(Status::ok, request.version());
  response.set(http::field::content_type, std::string("multipart/x-mixed-replace; boundary=") + kBoundary);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.keep_alive(false);
  http::response_serializer<http::empty_body> serializer(response);
  co_await http::async_write_header(socket, serializer, use_awaitable);
}

}  // namespace

asio::awaitable<std::optional<Response>> serve_motion_jpeg(Socket& socket, const Request& request,
                                                           ServerContext& server) {
  const std::string session = query_of(request, "session");
  if (!server.session_names.contains(session)) {
    co_return make_error_response(request, Status::not_found, "there is no such session", "session");
  }
  const std::shared_ptr<Viewers::Viewer> viewer = server.viewers.watch(session, socket.get_executor());
  const ServerContext::OnStop on_stop(server, [&viewer] { viewer->arrived.set(); });
  socket.tcp().expires_after(kWriteLimit);
  co_await send_headers(socket, request);
  auto last = std::chrono::steady_clock::now();
  while (!server.stopping && std::chrono::steady_clock::now() - last < kLongestWait) {
    co_await viewer->arrived.wait(kStopInterval);
    const Bytes image = std::exchange(viewer->newest, nullptr);
    if (!image) {
      continue;
    }
    last = std::chrono::steady_clock::now();
    const std::string header = part_header(*image);
    const std::array<asio::const_buffer, 3> part = {asio::buffer(header), asio::buffer(*image),
                                                    asio::buffer("\r\n", 2)};
    socket.tcp().expires_after(kWriteLimit);
    co_await asio::async_write(socket, part, use_awaitable);
  }
  co_return std::nullopt;
}

}  // namespace streamdiffusion::server
