#include <algorithm>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <ctime>

#include "server/http.h"
#include "server/web_files.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::asio::use_awaitable;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t kHeaderBytes = 16 << 10;
constexpr std::uint64_t kBodyBytes = 1 << 20;
constexpr std::chrono::seconds kIdle{60};
constexpr std::chrono::seconds kWrite{30};
constexpr std::chrono::seconds kHandshake{15};

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' "
    "blob:; "
    "connect-src 'self' ws: wss:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action "
    "'none'; "
    "frame-ancestors 'none'";

Response serve_file(const Request& request, const WebFile& file) {
  const bool unchanged =
      request[http::field::if_none_match] == boost::beast::string_view(file.tag.data(), file.tag.size());
  Response response = make_response(request, unchanged ? Status::not_modified : Status::ok, file.type,
                                    unchanged ? std::string() : std::string(file.bytes));
  response.set(http::field::etag, boost::beast::string_view(file.tag.data(), file.tag.size()));
  response.set(http::field::cache_control, "no-cache");
  response.set("Content-Security-Policy", kContentSecurityPolicy);
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  return response;
}

nlohmann::json list_models(const ServerContext& server) {
  nlohmann::json models = server.engine.describe_models();
  for (nlohmann::json& model : models) {
    model["object"] = "model";
    model["created"] = 0;
    model["owned_by"] = "streamdiffusion.cpp";
  }
  return {{"object", "list"}, {"data", models}};
}

Response not_allowed(const Request& request, const char* methods) {
  Response response = make_error_response(request, Status::method_not_allowed, std::string("use ") + methods);
  response.set(http::field::allow, methods);
  return response;
}

/// What GET gives at this path.
Response get(const Request& request, const std::string& path, ServerContext& server) {
  if (path == "/healthz") {
    return make_response(request, Status::ok, "text/plain; charset=utf-8", "ok\n");
  }
  if (path == "/readyz") {
    const bool ready = !server.stopping && !server.places.full();
    return make_response(request, ready ? Status::ok : Status::service_unavailable,
                         "text/plain; charset=utf-8", ready ? "ready\n" : "no place left\n");
  }
  if (path == "/metrics") {
    server.metrics.sessions.Set(server.places.taken());
    server.metrics.queue.Set(server.places.waiting());
    server.metrics.connections.Set(server.connections);
    const auto entries = server.models.entries();
    server.metrics.models_loaded.Set(static_cast<double>(
        std::ranges::count_if(entries, [](const auto& entry) { return entry.model != nullptr; })));
    return make_response(request, Status::ok, "text/plain; version=0.0.4; charset=utf-8",
                         server.metrics.text());
  }
  if (path == "/v1/models") {
    return make_json(request, Status::ok, list_models(server));
  }
  if (path == "/v1/stream") {
    return make_error_response(request, Status::upgrade_required,
                               "a session is a WebSocket: see docs/server.md");
  }
  const auto files = web_files();
  const auto file = std::ranges::find(files, path, &WebFile::path);
  return file != files.end()
             ? serve_file(request, *file)
             : make_error_response(request, Status::not_found, "there is nothing at this path");
}

/// For pages of allowed origins: browsers ask before they send JSON.
void allow_origin(const Request& request, const ServerContext& server, Response& response) {
  const auto origin = request[http::field::origin];
  const auto& allowed = server.options.access.allowed_origins;
  if (!origin.empty() &&
      std::ranges::find(allowed, std::string(origin.data(), origin.size())) != allowed.end()) {
    response.set(http::field::access_control_allow_origin, origin);
    response.set(http::field::vary, "Origin");
    response.set(http::field::access_control_allow_headers, "Authorization, Content-Type");
  }
}

asio::awaitable<Response> respond(Socket& socket, const Request& request, const std::string& address,
                                  ServerContext& server) {
  const std::string path = path_of(request);
  const bool images = path == "/v1/images/generations";
  if (request.method() == http::verb::options) {
    co_return make_response(request, Status::no_content, "text/plain", "");
  }
  if (images && request.method() == http::verb::post) {
    co_return co_await generate_images(socket, request, address, server);
  }
  if (images) {
    co_return not_allowed(request, "POST");
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    co_return not_allowed(request, "GET, HEAD");
  }
  co_return get(request, path, server);
}

/// The status for a request that cannot be read; none where the connection is simply over.
std::optional<Status> status_of(const boost::system::error_code& error) {
  if (error == http::error::body_limit) {
    return Status::payload_too_large;
  }
  if (error == http::error::header_limit) {
    return Status::request_header_fields_too_large;
  }
  const bool over = error == http::error::end_of_stream || error == http::error::partial_message;
  return error.category() == make_error_code(http::error::bad_value).category() && !over
             ? std::optional(Status::bad_request)
             : std::nullopt;
}

asio::awaitable<void> write(Socket& socket, Response response) {
  socket.tcp().expires_after(kWrite);
  co_await http::async_write(socket, response, use_awaitable);
}

/// False where the connection is over.
asio::awaitable<bool> read(Socket& socket, boost::beast::flat_buffer& buffer, Parser& parser) {
  parser.header_limit(kHeaderBytes);
  parser.body_limit(kBodyBytes);
  socket.tcp().expires_after(kIdle);
  boost::system::error_code error;
  co_await http::async_read(socket, buffer, parser, asio::redirect_error(use_awaitable, error));
  if (!error) {
    co_return true;
  }
  if (const std::optional<Status> status = status_of(error)) {
    Request request = parser.get();
    request.keep_alive(false);
    Response response =
        make_error_response(request, *status, "the request cannot be read: " + error.message());
    co_await write(socket, std::move(response));
  }
  co_return false;
}

asio::awaitable<void> serve(Socket socket, std::string address, ServerContext& server) {
  boost::beast::flat_buffer buffer;
  bool reading = true;
  const ServerContext::OnStop on_stop(server, [&] {
    if (reading && socket.is_open()) {
      socket.tcp().cancel();
    }
  });
  while (!server.stopping) {
    Parser parser;
    reading = true;
    if (!co_await read(socket, buffer, parser)) {
      break;
    }
    reading = false;
    Request request = parser.release();
    if (std::optional<Response> refused = refusal(request, server, socket.is_secure())) {
      server.metrics.refused.Increment();
      const bool keep = refused->keep_alive();
      co_await write(socket, std::move(*refused));
      if (!keep) {
        break;
      }
      continue;
    }
    const std::string path = path_of(request);
    if (path == "/v1/stream" && boost::beast::websocket::is_upgrade(request)) {
      co_await serve_websocket(std::move(socket), std::move(request), std::move(address), server);
      co_return;
    }
    if (path == "/stream.mjpg" && request.method() == http::verb::get) {
      co_await serve_motion_jpeg(socket, request, server);
      break;
    }
    socket.tcp().expires_never();
    Response response = co_await respond(socket, request, address, server);
    allow_origin(request, server, response);
    const bool keep = response.keep_alive() && !server.stopping;
    response.keep_alive(keep);
    co_await write(socket, std::move(response));
    if (!keep) {
      break;
    }
  }
  reading = true;
  co_await socket.shut_down();
}

}  // namespace

asio::awaitable<void> serve_connection(Socket socket, std::string address, ServerContext& server) {
  ++server.connections;
  try {
    socket.tcp().expires_after(kHandshake);
    co_await socket.handshake();
    co_await serve(std::move(socket), std::move(address), server);
  } catch (const boost::system::system_error&) {
    // The peer has gone, or took too long: nothing to tell anybody.
  }
  --server.connections;
}

}  // namespace streamdiffusion::server
