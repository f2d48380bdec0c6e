#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/monotonic_clock.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::hub {

/// A failure that may disappear when the operation is tried again.
class Unavailable : public Error {
 public:
  explicit Unavailable(const std::string& message, std::optional<std::chrono::seconds> retry_after = {})
      : Error(message), retry_after_(retry_after) {}
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

 private:
  std::optional<std::chrono::seconds> retry_after_;
};

/// Repeats an operation until it succeeds. Pauses grow, or have the length that the server asks for.
class Retry {
 public:
  using Message = std::function<void(const std::string&)>;

  /// `attempts` limits consecutive failures without progress. `stop` may be null.
  Retry(int attempts, const std::atomic<bool>* stop, Message on_message,
        MonotonicClock& clock = MonotonicClock::real())
      : attempts_(attempts), stop_(stop), on_message_(std::move(on_message)), clock_(clock) {}

  /// Calls `attempt` until it does not throw Unavailable; rethrows its last failure. `progressed` returns
  /// true if data came in since its last call; then the count of failures restarts. Throws HubStopped if
  /// stopped.
  void run(const std::function<void()>& attempt, const std::function<bool()>& progressed) const;

  /// Returns the pause after a failure, numbered from 1. `run` adds a random time of up to the same length.
  static std::chrono::milliseconds pause(int failures);

 private:
  void wait(std::chrono::milliseconds time) const;

  int attempts_;
  const std::atomic<bool>* stop_;
  Message on_message_;
  MonotonicClock& clock_;
};

}  // namespace streamdiffusion::hub
