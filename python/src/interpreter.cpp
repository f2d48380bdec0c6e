#include "interpreter.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

/// Time that callbacks have to return in when Python exits. Those that never return must not hold it up for
/// good.
constexpr std::chrono::seconds kCallbackLimit{5};
constexpr std::chrono::milliseconds kPollInterval{1};

std::atomic<bool> is_exiting = false;
std::atomic<std::thread::id> exiting_thread;
/// Threads that take the GIL at this moment, or have it in a callback.
std::atomic<int> threads_inside = 0;

/// Begins to take the GIL. Does not return if Python exits: from Python 3.14 on Python itself lets the thread
/// wait then, earlier versions unwind its stack, which C++ answers by ending the process.
void begin_to_acquire() {
  ++threads_inside;
  if (is_exiting && exiting_thread.load() != std::this_thread::get_id()) {
    --threads_inside;
    while (true) {
      std::this_thread::sleep_for(std::chrono::hours(1));
    }
  }
}

/// Is called when Python begins to exit, while other threads still may take the GIL.
void begin_exit() {
  exiting_thread = std::this_thread::get_id();
  is_exiting = true;
  PyThreadState* const state = PyEval_SaveThread();
  const auto end = std::chrono::steady_clock::now() + kCallbackLimit;
  while (threads_inside > 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kPollInterval);
  }
  PyEval_RestoreThread(state);
}

}  // namespace

void watch_exit() {
  nb::module_::import_("atexit").attr("register")(nb::cpp_function(begin_exit));
  // A thread that Python has left behind keeps its objects. That is no fault that a user could mend.
  nb::set_leak_warnings(false);
}

GilRelease::GilRelease() : state_(PyEval_SaveThread()) {}

GilRelease::~GilRelease() {
  begin_to_acquire();
  PyEval_RestoreThread(state_);
  --threads_inside;
}

GilAcquire::GilAcquire() {
  begin_to_acquire();
  state_ = PyGILState_Ensure();
}

GilAcquire::~GilAcquire() {
  PyGILState_Release(state_);
  --threads_inside;
}

void HomeProcess::require(const char* what) const {
  if (process_ != getpid()) {
    throw ArgumentError(
        std::string("this ") + what +
        " belongs to the process that this one was forked from, and so do the threads that compute "
        "for it; make one in each process (multiprocessing: use the start method \"spawn\")");
  }
}

}  // namespace streamdiffusion::python
