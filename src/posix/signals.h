#pragma once

#include <atomic>

namespace streamdiffusion::posix {

/// Returns a flag that is true if the program should finish its work in progress and end. A signal during the
/// lifetime of a StopSignals sets it, as request_stop does.
const std::atomic<bool>& stop_flag();
/// Sets the stop flag.
void request_stop();

/// Handles stop signals during its lifetime. The first Ctrl-C (SIGINT) or SIGTERM sets the stop flag; the
/// second ends the program as usual. Only one object may exist at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Returns the stop flag.
  [[nodiscard]] const std::atomic<bool>& stop() const;
  /// Returns the number of the signal that was received, or 0.
  [[nodiscard]] int signal() const;
};

/// Ignores SIGPIPE, so that writing to a pipe without a reader is an error instead of ending the program.
void ignore_broken_pipes();

}  // namespace streamdiffusion::posix
