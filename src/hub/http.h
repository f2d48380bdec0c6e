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

/// What the program wants to know of an answer's head.
struct HttpHead {
  long status = 0;
  std::string location;
  std::string link;
  std::string etag;           ///< X-Linked-Etag, else ETag, without quotes
  std::string error_code;     ///< X-Error-Code: "GatedRepo", "RepoNotFound", ...
  std::string error_message;  ///< X-Error-Message
  std::string content_range;
  std::optional<std::chrono::seconds> retry_after;
};

/// The server was not reached, or the connection broke: trying again may help.
class ConnectionError : public Error {
 public:
  using Error::Error;
};

/// Takes a piece of an answer's body.
using BodySink = std::function<void(std::span<const std::byte>)>;

/// GET requests over one connection at a time. The token goes to the origin of `endpoint` alone.
class HttpClient {
 public:
  /// `stop`, where given, ends requests with HubStopped.
  HttpClient(const std::string& endpoint, const std::string& token, const std::atomic<bool>* stop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// One request, from byte `offset` on, without following redirects. The body of a 2xx answer goes to
  /// `begin`'s sink, which is called with the head before the body comes; other bodies are dropped.
  HttpHead get(const std::string& url, std::int64_t offset,
               const std::function<BodySink(const HttpHead&)>& begin);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// One line of an answer's head, put where it belongs.
void read_header(std::string_view line, HttpHead& head);

}  // namespace streamdiffusion::hub
