#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {

/// The parts of a response's head that this library uses.
struct HttpHead {
  long status = 0;
  std::string location;                             ///< Address of a redirect.
  std::string link;                                 ///< Links to other pages of a list.
  std::string etag;                                 ///< X-Linked-Etag, else ETag, without quotes.
  std::string error_code;                           ///< X-Error-Code: "GatedRepo", "RepoNotFound" and others.
  std::string error_message;                        ///< X-Error-Message.
  std::string content_range;                        ///< The part of a file that the body holds.
  std::optional<std::chrono::seconds> retry_after;  ///< Time that the server asks clients to wait.
};

/// The server could not be reached or the connection broke. Trying again may help.
class ConnectionError : public Error {
 public:
  using Error::Error;
};

/// Receives the next bytes of a response's body.
using BodySink = std::function<void(std::span<const std::byte>)>;

/// Sends GET requests and reuses the connection. The token is sent to the origin of `endpoint` only. Not
/// thread-safe: use one object per thread.
class HttpClient {
 public:
  /// Requests throw HubStopped when `*stop` becomes true; `stop` may be null.
  HttpClient(const std::string& endpoint, const std::string& token, const std::atomic<bool>* stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Requests `url` from byte `offset` on, without following redirects. A 2xx body goes to the sink that
  /// `begin` returns for the head; other bodies are dropped. Throws ConnectionError if there is no response.
  HttpHead get(const std::string& url, std::int64_t offset,
               const std::function<BodySink(const HttpHead&)>& begin);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Parses one line of a response's head and sets the field of `head` that it belongs to. Other lines are
/// ignored; the status line of a further response clears `head`.
void read_header(std::string_view line, HttpHead& head);

}  // namespace streamdiffusion::hub
