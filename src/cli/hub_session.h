#pragma once

#include <functional>

#include "cli/console.h"
#include "cli/status_line.h"
#include "posix/signals.h"
#include "streamdiffusion/hub.h"

namespace streamdiffusion::cli {

/// The error after Ctrl-C or SIGTERM. The program ends with exit status 128 + signal.
class Interrupted : public Error {
 public:
  Interrupted(const std::string& message, int signal) : Error(message), signal_(signal) {}
  [[nodiscard]] int signal() const { return signal_; }

 private:
  int signal_;
};

/// Access to the hub for one operation, configured by the environment. It shows a progress bar and messages.
/// Ctrl-C stops a download and keeps the part that has arrived. As it handles signals, it should be
/// short-lived.
class HubSession {
 public:
  explicit HubSession(const Console& console);

  /// Calls `use` with the hub's options and returns its result. Throws Interrupted if a signal ended it.
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
