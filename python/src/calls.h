#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

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
    /// means that a callback calls the object that calls it.
    explicit Turn(CallQueue& queue);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    CallQueue& queue_;
  };

  /// Destroys an object of the library: at once, or at the end of the turn that another call has. It never
  /// waits, since Python destroys objects anywhere, also in callbacks.
  void destroy(std::shared_ptr<void> object) noexcept;

  /// Runs a function in its turn, without the GIL.
  template <typename Function>
  auto run(Function&& function) {
    const Turn turn(*this);
    const nanobind::gil_scoped_release released;
    return function();
  }

 private:
  void destroy_waiting();

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
  /// Begins to watch a call of the stream. `on_step` is a function of (call, calls) or None. It lives as long
  /// as the call.
  void begin(nanobind::handle on_step);
  /// Stops the call that runs, if there is one. May be called from any thread.
  void cancel() { cancelled_ = true; }
  /// Returns false if the call was cancelled, or `on_step` returned False. Throws what `on_step` or the
  /// handler of a signal raises.
  bool goes_on(const DenoisingStepInfo& step);

 private:
  nanobind::handle on_step_;
  std::atomic<bool> cancelled_ = false;
  std::chrono::steady_clock::time_point next_check_;
};

}  // namespace streamdiffusion::python
