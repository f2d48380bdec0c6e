#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <optional>

#include "server/http.h"

namespace streamdiffusion::server {

/// Reads requests until one may be served. Answers those that cannot be read, are too large or not allowed.
/// The headers alone decide, so a client that sends "Expect: 100-continue" does not send a body in vain.
/// Returns nothing if the connection is over.
boost::asio::awaitable<std::optional<Request>> read_request(Socket& socket, boost::beast::flat_buffer& buffer,
                                                            ServerContext& server);

boost::asio::awaitable<void> write_response(Socket& socket, Response response);

}  // namespace streamdiffusion::server
