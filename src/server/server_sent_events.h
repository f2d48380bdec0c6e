#pragma once

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "server/http.h"

namespace streamdiffusion::server {

/// An event of a text/event-stream, as its bytes: `data` on one line, under its field `type`.
std::string make_event(const nlohmann::json& data);

/// An answer in server-sent events. It begins with the first one: until then the request may be answered
/// otherwise.
class EventStream {
 public:
  EventStream(Socket& socket, const Request& request, const ServerContext& server)
      : socket_(socket), request_(request), server_(server) {}

  [[nodiscard]] bool has_begun() const { return has_begun_; }
  boost::asio::awaitable<void> send(const nlohmann::json& data);
  /// Ends the answer; without it, the client sees that something is missing.
  boost::asio::awaitable<void> end();

 private:
  boost::asio::awaitable<void> write(std::string text);
  [[nodiscard]] std::string header() const;
  [[nodiscard]] bool is_chunked() const { return request_.version() >= 11; }

  Socket& socket_;
  const Request& request_;
  const ServerContext& server_;
  bool has_begun_ = false;
};

}  // namespace streamdiffusion::server
