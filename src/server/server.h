#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/access.h"
#include "server/model_store.h"
#include "server/stream_settings.h"
#include "settings/settings.h"

namespace streamdiffusion::server {

struct ServerOptions {
  std::string host = "127.0.0.1";
  int port = 8080;  ///< 0: any free port.
  AccessRules access;
  std::filesystem::path tls_certificate;  ///< PEM file with the certificate chain; empty: none.
  std::filesystem::path tls_key;          ///< PEM file with the certificate's private key.
  bool tls_self_signed = false;           ///< Makes a certificate at the start if none is given.

  std::vector<ModelOffer> models;  ///< Models on offer. The first is loaded at the start.
  int models_loaded = 2;           ///< Most models in memory at a time.
  Settings defaults;               ///< Settings of new sessions.
  StreamSettings stream_defaults;  ///< Stream of new sessions. Width or height 0: the native size.

  int sessions = 8;                     ///< Session slots.
  int queue = 32;                       ///< Most clients that wait for a slot.
  int sessions_per_address = 16;        ///< Most slots and queue positions of one IP address.
  int connections = 256;                ///< Most open connections; further ones are closed at once.
  int largest_side = 1024;              ///< Most width and height of a stream, in pixels.
  std::size_t message_bytes = 8 << 20;  ///< Most bytes of a message, or of a request that brings images.
  double idle_seconds = 600;            ///< A session that sends nothing for this long is closed.
};

/// The HTTP and WebSocket server (docs/server.md). The thread that calls `run` does the network, the engine's
/// thread computes, and further threads decode and encode images.
class Server {
 public:
  /// Loads the first model and listens. Throws Error if that fails or a certificate cannot be used.
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The address of the page, such as http://127.0.0.1:8080/
  [[nodiscard]] std::string url() const;

  /// Serves until `stop`, SIGINT or SIGTERM. Then it tells the sessions, gives running requests a few seconds
  /// to finish, and returns. Throws DeviceLost if it stopped because the compute device was lost.
  void run();
  /// Makes `run` return. May be called from any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace streamdiffusion::server
