#pragma once

#include <functional>

#include "cli/console.h"
#include "cli/status_line.h"
#include "posix/signals.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::cli {

/// Ctrl-C or SIGTERM ended what was asked for: exit status 128 + signal.
class Interrupted : public Error {
 public:
  Interrupted(const std::string& message, int signal) : Error(message), signal_(signal) {}
  [[nodiscard]] int signal() const { return signal_; }

 private:
  int signal_;
};

/// The hub as the environment sets it, with a bar for what it downloads, messages, and Ctrl-C that keeps what
/// has come. Short-lived: it takes the signals.
class HubSession {
 public:
  explicit HubSession(const Console& console);

  /// Runs something with the hub. Throws Interrupted where a signal has ended it.
  template <typename F>
  auto run(F&& use) {
    try {
      return use(options_);
    } catch (const HubStopped& error) {
      throw Interrupted(error.what(), signals_.signal());
    }
  }

 private:
  void show(const HubProgress& progress);

  posix::StopSignals signals_;
  StatusLine line_;
  HubOptions options_;
};

}  // namespace streamdiffusion::cli
