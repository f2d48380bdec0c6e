#include <algorithm>
#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <ctime>
#include <span>
#include <string_view>

#include "server/http.h"
#include "server/request_reader.h"
#include "server/time_limits.h"
#include "server/web_files.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

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

constexpr std::array kPost = {http::verb::post};
constexpr std::array kGet = {http::verb::get};
constexpr std::array kGetOrHead = {http::verb::get, http::verb::head};
constexpr std::array<std::string_view, 5> kReadable = {"/healthz", "/readyz", "/metrics", "/v1/models",
                                                       "/v1/stream"};

/// Returns the methods that a path takes besides OPTIONS; none if there is nothing at this path.
std::span<const http::verb> methods_of(const std::string& path) {
  if (makes_images(path)) {
    return kPost;
  }
  if (path == "/stream.mjpg") {
    return kGet;
  }
  const bool is_readable = std::ranges::find(kReadable, path) != kReadable.end() ||
                           std::ranges::find(web_files(), path, &WebFile::path) != web_files().end();
  return is_readable ? std::span<const http::verb>(kGetOrHead) : std::span<const http::verb>();
}

Response not_found(const Request& request) {
  return make_error_response(
      request, Status::not_found,
      "there is nothing at this path; there are POST /v1/images/generations and "
      "/v1/images/edits, GET /v1/models and /v1/stream (a WebSocket), and the page at /");
}

Response not_allowed(const Request& request, std::span<const http::verb> methods) {
  std::string names;
  for (const http::verb method : methods) {
    names += (names.empty() ? "" : ", ") + std::string(http::to_string(method));
  }
  Response response = make_error_response(request, Status::method_not_allowed, "use " + names);
  response.set(http::field::allow, names);
  return response;
}

/// Answers a GET (or HEAD) request for `path`.
Response get(const Request& request, const std::string& path, ServerContext& server) {
  if (path == "/healthz") {
    return make_response(request, Status::ok, "text/plain; charset=utf-8", "ok\n");
  }
  if (path == "/readyz") {
    const bool ready = !server.stopping && !server.slots.full();
    return make_response(request, ready ? Status::ok : Status::service_unavailable,
                         "text/plain; charset=utf-8", ready ? "ready\n" : "no place left\n");
  }
  if (path == "/metrics") {
    server.metrics.sessions.Set(server.slots.taken());
    server.metrics.queue.Set(server.slots.waiting());
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
  return file != files.end() ? serve_file(request, *file) : not_found(request);
}

/// Returns the response to send, or nothing if it was already sent as a stream of events.
asio::awaitable<std::optional<Response>> respond(Socket& socket, const Request& request,
                                                 const std::string& address, ServerContext& server) {
  const std::string path = path_of(request);
  if (request.method() == http::verb::options) {
    co_return make_response(request, Status::no_content, "text/plain", "");
  }
  const std::span<const http::verb> methods = methods_of(path);
  if (methods.empty()) {
    co_return not_found(request);
  }
  if (std::ranges::find(methods, request.method()) == methods.end()) {
    co_return not_allowed(request, methods);
  }
  if (makes_images(path)) {
    co_return co_await make_images(socket, request, address, server);
  }
  co_return get(request, path, server);
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
    reading = true;
    std::optional<Request> received = co_await read_request(socket, buffer, server);
    reading = false;
    if (!received) {
      break;
    }
    Request request = std::move(*received);
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
    std::optional<Response> response = co_await respond(socket, request, address, server);
    if (!response) {
      break;
    }
    allow_origin(request, server, *response);
    const bool keep = response->keep_alive() && !server.stopping;
    response->keep_alive(keep);
    co_await write_response(socket, std::move(*response));
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
    socket.tcp().expires_after(kHandshakeLimit);
    co_await socket.handshake();
    co_await serve(std::move(socket), std::move(address), server);
  } catch (const boost::system::system_error&) {
    // The peer has gone or took too long, so nobody is left to answer.
  }
  --server.connections;
}

}  // namespace streamdiffusion::server
