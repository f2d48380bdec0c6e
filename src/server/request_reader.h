#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <optional>

#include "server/http.h"

namespace streamdiffusion::server {

/// Reads requests until one is to be served, and answers those that are not: what cannot be read, is too
/// large or not allowed. That is decided by the headers alone, so that a client that sends "Expect:
/// 100-continue" keeps a body to itself that would be refused. None where the connection is over.
boost::asio::awaitable<std::optional<Request>> read_request(Socket& socket, boost::beast::flat_buffer& buffer,
                                                            ServerContext& server);

boost::asio::awaitable<void> write_response(Socket& socket, Response response);

}  // namespace streamdiffusion::server
