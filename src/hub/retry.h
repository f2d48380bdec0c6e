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

/// A failure that trying again may mend.
class Unavailable : public Error {
 public:
  explicit Unavailable(const std::string& message, std::optional<std::chrono::seconds> retry_after = {})
      : Error(message), retry_after_(retry_after) {}
  [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }

 private:
  std::optional<std::chrono::seconds> retry_after_;
};

/// Runs something until it comes through. Between two attempts it waits, longer from time to time, or as long
/// as the server asks for.
class Retry {
 public:
  using Message = std::function<void(const std::string&)>;

  Retry(int attempts, const std::atomic<bool>* stop, Message on_message,
        MonotonicClock& clock = MonotonicClock::real())
      : attempts_(attempts), stop_(stop), on_message_(std::move(on_message)), clock_(clock) {}

  /// `attempt` throws Unavailable where it is to be run again; its last failure is thrown on. `progressed`
  /// tells whether anything has come in since it was asked last: then the count begins anew.
  void run(const std::function<void()>& attempt, const std::function<bool()>& progressed) const;

  /// How long to wait after the failure with that number (from 1 on), up to the same again by chance.
  static std::chrono::milliseconds pause(int failures);

 private:
  void wait(std::chrono::milliseconds time) const;

  int attempts_;
  const std::atomic<bool>* stop_;
  Message on_message_;
  MonotonicClock& clock_;
};

}  // namespace streamdiffusion::hub
