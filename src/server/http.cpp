#include "server/http.h"

#include <algorithm>
#include <boost/beast/version.hpp>

#include "server/protocol.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::server {

namespace {

namespace http = boost::beast::http;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      decoded += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// True if the request needs no token: the page's files, the probes and OPTIONS reveal nothing secret.
bool is_open_to_all(const Request& request) {
  const std::string path = path_of(request);
  return request.method() == http::verb::options || path == "/healthz" || path == "/readyz" ||
         !(path.starts_with("/v1/") || path == "/metrics" || path == "/stream.mjpg");
}

}  // namespace

std::string path_of(const Request& request) {
  const std::string_view target = view(request.target());
  return percent_decoded(target.substr(0, target.find('?')));
}

std::string query_of(const Request& request, std::string_view name) {
  const std::string_view target = view(request.target());
  const std::size_t mark = target.find('?');
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != std::string_view::npos) {
      return percent_decoded(pair.substr(equals + 1));
    }
  }
  return {};
}

Response make_response(const Request& request, Status status, std::string_view type, std::string body) {
  Response response(status, request.version());
  response.set(http::field::server, std::string("streamdiffusion.cpp/") + version());
  response.set(http::field::content_type, boost::beast::string_view(type.data(), type.size()));
  response.set("X-Content-Type-Options", "nosniff");
  response.keep_alive(request.keep_alive());
  response.body() = std::move(body);
  response.prepare_payload();
  if (request.method() == http::verb::head) {
    response.body().clear();  // Content-Length keeps the value that GET would send.
  }
  return response;
}

Response make_json(const Request& request, Status status, const nlohmann::json& json) {
  Response response = make_response(request, status, "application/json", dump(json));
  response.set(http::field::cache_control, "no-store");
  return response;
}

Response make_error_response(const Request& request, Status status, const std::string& message,
                             const std::string& param) {
  const char* const type = static_cast<int>(status) < 500 ? "invalid_request_error" : "server_error";
  return make_json(request, status,
                   {{"error",
                     {{"message", message},
                      {"type", type},
                      {"param", param.empty() ? nlohmann::json(nullptr) : nlohmann::json(param)},
                      {"code", nullptr}}}});
}

std::optional<Response> check_request(const Request& request, const ServerContext& server, bool is_secure) {
  const AccessRules& rules = server.options.access;
  const std::string_view host = view(request[http::field::host]);
  if (!is_allowed_host(rules, host)) {
    return make_error_response(request, Status::misdirected_request,
                               "this server does not go by the name \"" + std::string(host.substr(0, 200)) +
                                   "\"; start it with --allow-host NAME where it should");
  }
  const bool only_reads = request.method() == http::verb::get || request.method() == http::verb::head;
  const bool is_upgrade = !request[http::field::upgrade].empty();
  if ((!only_reads || is_upgrade) &&
      !is_allowed_origin(rules, view(request[http::field::origin]), host, is_secure)) {
    return make_error_response(
        request, Status::forbidden,
        "pages of another origin may not use this server; start it with --allow-origin " +
            std::string(view(request[http::field::origin]).substr(0, 200)) + " where this one should");
  }
  if (!is_open_to_all(request) &&
      !has_token(rules, view(request[http::field::authorization]), query_of(request, "token"))) {
    Response response = make_error_response(
        request, Status::unauthorized, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN");
    response.set(http::field::www_authenticate, "Bearer");
    return response;
  }
  return std::nullopt;
}

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

}  // namespace streamdiffusion::server
