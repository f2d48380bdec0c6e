#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "interpreter.h"
#include "streamdiffusion/stream.h"

namespace streamdiffusion::python {

/// How often a call that waits or computes looks for signals such as Ctrl-C.
inline constexpr std::chrono::milliseconds kSignalInterval{50};

/// Runs the Python handlers of signals that have arrived, and throws their exception. The GIL must be held.
void check_signals();

/// The calls of a model and of its streams, which the library wants one at a time. Calls from other Python
/// threads wait for their turn.
class CallQueue {
 public:
  /// The right to call the library, as long as it lives. It is made and destroyed with the GIL held.
  class Turn {
   public:
    /// Waits for the turn, without the GIL. Throws ArgumentError if this thread has the turn already, which
    /// means that a callback calls the object that calls it, and in a forked process. Throws Cancelled if
    /// `is_cancelled` returns true while it waits.
    explicit Turn(CallQueue& queue, const std::function<bool()>& is_cancelled = {});
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    CallQueue& queue_;
  };

  /// Destroys an object of the library: at once, or at the end of the turn that another call has. It never
  /// waits, since Python destroys objects anywhere, also in callbacks. A forked process keeps the memory.
  void destroy(std::shared_ptr<void> object) noexcept;

  [[nodiscard]] const HomeProcess& home() const { return home_; }

  /// Runs a function in its turn, without the GIL.
  template <typename Function>
  auto run(Function&& function) {
    const Turn turn(*this);
    const GilRelease released;
    return function();
  }

 private:
  void destroy_waiting();

  HomeProcess home_;
  std::timed_mutex mutex_;  ///< Is held by who has the turn.
  std::atomic<std::thread::id> owner_;
  std::mutex waiting_mutex_;  ///< Guards `waiting_`.
  std::vector<std::shared_ptr<void>> waiting_;
};

/// Runs a function on a thread of its own, without the GIL, while the calling thread looks for signals. If
/// one raises an exception, `stop` becomes true, and the exception is thrown when the function has returned.
void run_interruptibly(const std::function<void()>& function, std::atomic<bool>& stop);

/// Tells a stream before each of its UNet calls if it has to go on.
class StepWatch {
 public:
  /// Returns how often calls were cancelled. A call asks for it before it waits for its turn.
  [[nodiscard]] std::uint64_t cancellations() const { return cancellations_; }
  /// Begins to watch a call of the stream. `on_step` is a function of (call, calls) or None. It lives as long
  /// as the call. `cancellations` is the number when the call began.
  void begin(nanobind::handle on_step, std::uint64_t cancellations);
  /// Stops the calls that run or wait for their turn. May be called from any thread.
  void cancel() { ++cancellations_; }
  /// Returns false if the call was cancelled, or `on_step` returned False. Throws what `on_step` or the
  /// handler of a signal raises.
  bool goes_on(const DenoisingStepInfo& step);

 private:
  nanobind::handle on_step_;
  std::atomic<std::uint64_t> cancellations_ = 0;
  std::uint64_t cancellations_before_ = 0;  ///< Value of `cancellations_` when the call began.
  std::chrono::steady_clock::time_point next_check_;
};

}  // namespace streamdiffusion::python
