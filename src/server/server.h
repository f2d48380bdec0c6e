#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/settings.h"
#include "server/access.h"
#include "server/model_store.h"
#include "server/stream_settings.h"

namespace streamdiffusion::server {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any that is free
  AccessRules access;
  std::filesystem::path tls_certificate;  ///< PEM; empty: no TLS
  std::filesystem::path tls_key;
  bool tls_self_signed = false;

  std::vector<ModelOffer> models;  ///< the first is loaded at the start
  int models_loaded = 2;           ///< most in memory at a time
  Settings defaults;               ///< of new sessions
  StreamSettings stream_defaults;  ///< likewise; no width and height: the model's native size

  int sessions = 8;               ///< with a place at a time
  int queue = 32;                 ///< that wait for one
  int sessions_per_address = 16;  ///< places and queue together
  int connections = 256;
  int largest_side = 1024;  ///< of pictures that come out
  std::size_t message_bytes = 8 << 20;
  double idle_seconds = 600;  ///< a session that sends nothing for this long is closed
};

/// HTTP and WebSocket in front of the engine (docs/server.md). Network on the thread that calls `run`,
/// computing on the engine's, pictures on further ones.
class Server {
 public:
  /// Loads the first model and listens. Throws Error where that, or a certificate, fails.
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What to type into a browser: http://127.0.0.1:8080/
  [[nodiscard]] std::string url() const;

  /// Serves until `stop`; then tells the sessions, finishes requests that are being answered, and returns.
  /// Throws DeviceLost where it stopped because nothing can be computed any more.
  void run();
  /// From any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion::server
