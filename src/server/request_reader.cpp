#include "server/request_reader.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <string_view>
#include <utility>

#include "server/time_limits.h"
namespace streamdiffusion::server {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;
using Parser = http::request_parser<http::string_body>;

constexpr std::uint32_t kHeaderBytes = 16 << 10;  // Twice the longest line that nginx takes by default.
constexpr std::uint64_t kBodyBytes = 1 << 20;     // A hundred of the longest prompts.
constexpr std::chrono::seconds kIdle{60};
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// The largest body of a request to `path`, in bytes. A request that brings images may be as large as a
/// session's message.
std::uint64_t body_limit(const std::string& path, const ServerContext& server) {
  return is_edit(path) ? std::max<std::uint64_t>(kBodyBytes, server.options.message_bytes) : kBodyBytes;
}

/// The status for a request that cannot be read; nothing if the connection has merely ended.
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

Response cannot_read(const Request& request, Status status, const boost::system::error_code& error) {
  return make_error_response(request, status, "the request cannot be read: " + error.message());
}

bool expects_continue(const Request& request) {
  return boost::beast::iequals(request[http::field::expect], "100-continue");
}

/// Judges a request by its headers and sets the limit of its body. Returns the error response if it is not
/// served.
std::optional<Response> refuse(Parser& parser, const ServerContext& server, bool is_secure) {
  const Request& request = parser.get();
  if (std::optional<Response> refused = check_request(request, server, is_secure)) {
    return refused;
  }
  const std::uint64_t limit = body_limit(path_of(request), server);
  parser.body_limit(limit);
  if (const auto length = parser.content_length(); length && *length > limit) {
    return cannot_read(request, Status::payload_too_large, http::error::body_limit);
  }
  if (!request[http::field::expect].empty() && !expects_continue(request)) {
    return make_error_response(request, Status::expectation_failed,
                               "the only Expect that is understood is 100-continue");
  }
  return std::nullopt;
}

/// Runs `read_part`, which reads the headers or the rest of a request. Returns false if the connection cannot
/// go on; a client that sent a bad request is told why.
template <typename Read>
asio::awaitable<bool> read(Socket& socket, Parser& parser, Read read_part) {
  socket.tcp().expires_after(kIdle);
  boost::system::error_code error;
  co_await read_part(asio::redirect_error(use_awaitable, error));
  if (!error) {
    co_return true;
  }
  if (const std::optional<Status> status = status_of(error)) {
    Response response = cannot_read(parser.get(), *status, error);
    response.keep_alive(false);
    co_await write_response(socket, std::move(response));
  }
  co_return false;
}

/// Reads the body. Sends "100 Continue" first if the client waits for it.
asio::awaitable<bool> read_body(Socket& socket, boost::beast::flat_buffer& buffer, Parser& parser) {
  if (expects_continue(parser.get()) && parser.get().version() >= 11 && !parser.is_done()) {
    socket.tcp().expires_after(kWriteLimit);
    co_await asio::async_write(socket, asio::buffer(kContinue), use_awaitable);
  }
  co_return co_await read(socket, parser,
                          [&](auto token) { return http::async_read(socket, buffer, parser, token); });
}

}  // namespace

asio::awaitable<void> write_response(Socket& socket, Response response) {
  socket.tcp().expires_after(kWriteLimit);
  co_await http::async_write(socket, response, use_awaitable);
}

asio::awaitable<std::optional<Request>> read_request(Socket& socket, boost::beast::flat_buffer& buffer,
                                                     ServerContext& server) {
  while (true) {
    Parser parser;
    parser.header_limit(kHeaderBytes);
    parser.body_limit(std::max<std::uint64_t>(kBodyBytes, server.options.message_bytes));
    const auto read_header = [&](auto token) {
      return http::async_read_header(socket, buffer, parser, token);
    };
    if (!co_await read(socket, parser, read_header)) {
      co_return std::nullopt;
    }
    std::optional<Response> refused = refuse(parser, server, socket.is_secure());
    if (!refused) {
      const bool is_whole = co_await read_body(socket, buffer, parser);
      co_return is_whole ? std::optional(parser.release()) : std::nullopt;
    }
    server.metrics.refused.Increment();
    const bool keep = refused->keep_alive() && parser.is_done();  // Else an unread body may follow.
    refused->keep_alive(keep);
    co_await write_response(socket, std::move(*refused));
    if (!keep) {
      co_return std::nullopt;
    }
  }
}

}  // namespace streamdiffusion::server
