#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>

#include "server/http.h"

namespace streamdiffusion::server {

/// A request and the connection on which it came.
struct Exchange {
  Socket& socket;
  Request& request;
  const std::string& address;  ///< The peer's IP address.
  ServerContext& server;
};

/// Answers a request by its path and method. Returns nothing if the connection is over: the answer was sent
/// as a stream, or a WebSocket has taken over the socket.
boost::asio::awaitable<std::optional<Response>> answer_request(Exchange exchange);

}  // namespace streamdiffusion::server
