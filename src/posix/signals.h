#pragma once

#include <atomic>

namespace streamdiffusion::posix {

/// Whether the program is to finish what it has begun and end: a signal came while StopSignals lived, or
/// request_stop was called.
const std::atomic<bool>& stop_flag();
/// Asks for the same end as a signal does.
void request_stop();

/// While it lives, the first Ctrl-C (SIGINT) or SIGTERM sets a flag; the second ends the program as usual.
/// One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// True once a signal has come.
  [[nodiscard]] const std::atomic<bool>& stop() const;
  /// The signal that came, or 0.
  [[nodiscard]] int signal() const;
};

/// Writing to a pipe that nobody reads any more becomes an error instead of the program's silent end.
void ignore_broken_pipes();

}  // namespace streamdiffusion::posix
