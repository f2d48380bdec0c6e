#pragma once

#include <boost/asio/awaitable.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "server/http.h"

namespace streamdiffusion::server {

/// Formats an event of a text/event-stream: `data` is one line of JSON, its field `type` the event's name.
std::string make_event(const nlohmann::json& data);

/// Answers a request with server-sent events. The headers go out with the first event; until then another
/// response may be sent instead.
class EventStream {
 public:
  EventStream(Socket& socket, const Request& request, const ServerContext& server)
      : socket_(socket), request_(request), server_(server) {}

  [[nodiscard]] bool has_begun() const { return has_begun_; }
  boost::asio::awaitable<void> send(const nlohmann::json& data);
  /// Ends the answer. Without this call a client of HTTP/1.1 sees a truncated response.
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
