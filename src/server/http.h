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

/// The path of a request's target, without the query.
std::string path_of(const Request& request);
/// A parameter of its query, decoded; empty where there is none.
std::string query_of(const Request& request, std::string_view name);

Response make_response(const Request& request, Status status, std::string_view type, std::string body);
Response make_json(const Request& request, Status status, const nlohmann::json& json);
/// An error as OpenAI's API has them. `param`: the field that is wrong, where it is one.
Response make_error_response(const Request& request, Status status, const std::string& message,
                             const std::string& param = {});

/// Why a request is not served: host, origin or token. None: it is.
std::optional<Response> refusal(const Request& request, const ServerContext& server, bool is_secure);

/// One connection, until it ends: HTTP requests one after the other, or what a request turns it into.
/// `address`: the peer's.
boost::asio::awaitable<void> serve_connection(Socket socket, std::string address, ServerContext& server);

/// Lets pages of allowed origins read a response: browsers ask before they send JSON.
void allow_origin(const Request& request, const ServerContext& server, Response& response);

/// True for the paths of OpenAI's images API, and for the one of them that brings images.
bool makes_images(const std::string& path);
bool is_edit(const std::string& path);
/// POST to one of them. None where the answer has been sent as a stream of events.
boost::asio::awaitable<std::optional<Response>> make_images(Socket& socket, const Request& request,
                                                            std::string address, ServerContext& server);

/// GET /stream.mjpg: pictures until the session, or the server, ends.
boost::asio::awaitable<void> serve_motion_jpeg(Socket& socket, const Request& request, ServerContext& server);

/// GET /v1/stream: a session.
boost::asio::awaitable<void> serve_websocket(Socket socket, Request request, std::string address,
                                             ServerContext& server);

}  // namespace streamdiffusion::server
