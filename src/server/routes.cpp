#include "server/routes.h"

#include <algorithm>
#include <array>
#include <boost/beast/websocket/rfc6455.hpp>
#include <span>
#include <string_view>

#include "server/web_files.h"

namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

using Answer = asio::awaitable<std::optional<Response>>;

constexpr const char* kPlainText = "text/plain; charset=utf-8";

constexpr const char* kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' "
    "blob:; "
    "connect-src 'self' ws: wss:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action "
    "'none'; "
    "frame-ancestors 'none'";

/// Returns the page's file of this path; null if there is none.
const WebFile* find_web_file(std::string_view path) {
  const std::span<const WebFile> files = web_files();
  const auto file = std::ranges::find(files, path, &WebFile::path);
  return file != files.end() ? &*file : nullptr;
}

Response send_web_file(const Exchange& exchange) {
  const WebFile& file = *find_web_file(path_of(exchange.request));
  const boost::beast::string_view tag(file.tag.data(), file.tag.size());
  const bool unchanged = exchange.request[http::field::if_none_match] == tag;
  Response response = make_response(exchange.request, unchanged ? Status::not_modified : Status::ok,
                                    file.type, unchanged ? std::string() : std::string(file.bytes));
  response.set(http::field::etag, tag);
  response.set(http::field::cache_control, "no-cache");
  response.set("Content-Security-Policy", kContentSecurityPolicy);
  response.set("Referrer-Policy", "no-referrer");
  response.set("Cross-Origin-Opener-Policy", "same-origin");
  return response;
}

Response report_health(const Exchange& exchange) {
  return make_response(exchange.request, Status::ok, kPlainText, "ok\n");
}

Response report_readiness(const Exchange& exchange) {
  const bool ready = !exchange.server.stopping && !exchange.server.slots.is_full();
  return make_response(exchange.request, ready ? Status::ok : Status::service_unavailable, kPlainText,
                       ready ? "ready\n" : "no session slot is free\n");
}

Response report_metrics(const Exchange& exchange) {
  ServerContext& server = exchange.server;
  server.metrics.sessions.Set(server.slots.taken_slots());
  server.metrics.queue.Set(server.slots.waiting());
  server.metrics.connections.Set(server.connections);
  const auto entries = server.models.entries();
  server.metrics.models_loaded.Set(static_cast<double>(
      std::ranges::count_if(entries, [](const auto& entry) { return entry.model != nullptr; })));
  return make_response(exchange.request, Status::ok, "text/plain; version=0.0.4; charset=utf-8",
                       server.metrics.text());
}

Response list_models(const Exchange& exchange) {
  nlohmann::json models = exchange.server.engine.describe_models();
  for (nlohmann::json& model : models) {
    model["object"] = "model";
    model["created"] = 0;
    model["owned_by"] = "streamdiffusion.cpp";
  }
  return make_json(exchange.request, Status::ok, {{"object", "list"}, {"data", models}});
}

Answer open_session(Exchange exchange) {
  if (!boost::beast::websocket::is_upgrade(exchange.request)) {
    co_return make_error_response(exchange.request, Status::upgrade_required,
                                  "a session is a WebSocket: see docs/server.md");
  }
  co_await serve_websocket(std::move(exchange.socket), std::move(exchange.request), exchange.address,
                           exchange.server);
  co_return std::nullopt;
}

Answer answer_images_request(Exchange exchange) {
  co_return co_await make_images(exchange.socket, exchange.request, exchange.address, exchange.server);
}

Answer send_motion_jpeg(Exchange exchange) {
  co_return co_await serve_motion_jpeg(exchange.socket, exchange.request, exchange.server);
}

/// A handler that sends the response of `kRespond`.
template <Response (*kRespond)(const Exchange&)>
Answer answer_with(Exchange exchange) {
  co_return kRespond(exchange);
}

struct Route {
  std::string_view path;
  std::span<const http::verb> methods;  ///< The methods that the path takes besides OPTIONS.
  Answer (*handle)(Exchange exchange);
};

constexpr std::array kPost = {http::verb::post};
constexpr std::array kGet = {http::verb::get};
constexpr std::array kGetOrHead = {http::verb::get, http::verb::head};

constexpr std::array kRoutes = {
    Route{"/v1/images/generations", kPost, answer_images_request},
    Route{"/v1/images/edits", kPost, answer_images_request},
    Route{"/v1/models", kGetOrHead, answer_with<list_models>},
    Route{"/v1/stream", kGetOrHead, open_session},
    Route{"/stream.mjpg", kGet, send_motion_jpeg},
    Route{"/metrics", kGetOrHead, answer_with<report_metrics>},
    Route{"/healthz", kGetOrHead, answer_with<report_health>},
    Route{"/readyz", kGetOrHead, answer_with<report_readiness>},
};
/// The route of all paths of the page's files.
constexpr Route kWebFileRoute = {"/", kGetOrHead, answer_with<send_web_file>};

/// Returns the route of a path; null if there is nothing at it.
const Route* find_route(std::string_view path) {
  const auto route = std::ranges::find(kRoutes, path, &Route::path);
  if (route != kRoutes.end()) {
    return &*route;
  }
  return find_web_file(path) != nullptr ? &kWebFileRoute : nullptr;
}

Response not_found(const Request& request) {
  std::string routes;
  for (const Route& route : kRoutes) {
    routes += std::string(http::to_string(route.methods.front())) + " " + std::string(route.path) + ", ";
  }
  return make_error_response(request, Status::not_found,
                             "there is nothing at this path; there are " + routes + "and the page at /");
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

}  // namespace

asio::awaitable<std::optional<Response>> answer_request(Exchange exchange) {
  const Request& request = exchange.request;
  if (request.method() == http::verb::options) {
    co_return make_response(request, Status::no_content, "text/plain", "");
  }
  const Route* const route = find_route(path_of(request));
  if (route == nullptr) {
    co_return not_found(request);
  }
  if (std::ranges::find(route->methods, request.method()) == route->methods.end()) {
    co_return not_allowed(request, route->methods);
  }
  co_return co_await route->handle(exchange);
}

}  // namespace streamdiffusion::server
