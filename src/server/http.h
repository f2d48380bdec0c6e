#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/server_context.h"
#include "server/socket.h"

namespace streamdiffusion::server {

using Request = boost::beast::http::request<boost::beast::http::string_body>;
using Response = boost::beast::http::response<boost::beast::http::string_body>;
using Status = boost::beast::http::status;

/// The path of a request's target, percent-decoded and without the query.
std::string path_of(const Request& request);
/// The first value of a query parameter, percent-decoded; empty if there is none.
std::string query_of(const Request& request, std::string_view name);

Response make_response(const Request& request, Status status, std::string_view type, std::string body);
Response make_json(const Request& request, Status status, const nlohmann::json& json);
/// Makes an error response in the form of OpenAI's API. `param` names the wrong field, if there is one.
Response make_error_response(const Request& request, Status status, const std::string& message,
                             const std::string& param = {});

/// Returns the error response if the request's host, origin or token is not allowed, and nothing if it may be
/// served.
std::optional<Response> check_request(const Request& request, const ServerContext& server, bool is_secure);

/// Serves one connection until it ends: HTTP requests in turn, or the WebSocket that a request upgrades it
/// to. `address` is the peer's IP address.
boost::asio::awaitable<void> serve_connection(Socket socket, std::string address, ServerContext& server);

/// Adds the CORS headers that let pages of allowed origins read the response.
void allow_origin(const Request& request, const ServerContext& server, Response& response);

/// True if `path` is the one of OpenAI's images API whose requests bring images.
bool is_edit(const std::string& path);
/// Answers a POST to the images API. Returns nothing if the answer was already sent as a stream of events.
boost::asio::awaitable<std::optional<Response>> make_images(Socket& socket, const Request& request,
                                                            std::string address, ServerContext& server);

/// Answers GET /stream.mjpg with a session's frames. Ends with the server, or after a minute without a frame,
/// and returns nothing. Returns the response to send if there is no such session.
boost::asio::awaitable<std::optional<Response>> serve_motion_jpeg(Socket& socket, const Request& request,
                                                                  ServerContext& server);

/// Serves GET /v1/stream, the WebSocket of one session, until it closes.
boost::asio::awaitable<void> serve_websocket(Socket socket, Request request, std::string address,
                                             ServerContext& server);

}  // namespace streamdiffusion::server
