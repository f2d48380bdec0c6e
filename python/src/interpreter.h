#pragma once

#include <nanobind/nanobind.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace streamdiffusion::python {

/// Sees to it that no thread of this module takes the GIL when Python is about to exit, which would end the
/// process with an error. Each module calls it once.
void watch_exit();

/// Releases the GIL as long as it lives. A thread that would take the GIL back while Python exits waits for
/// the process to end instead.
class GilRelease {
 public:
  GilRelease();
  ~GilRelease();
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

/// Takes the GIL as long as it lives, in a thread that has released it. Python exits once no thread has it
/// so, or after some seconds.
class GilAcquire {
 public:
  GilAcquire();
  ~GilAcquire();
  GilAcquire(const GilAcquire&) = delete;
  GilAcquire& operator=(const GilAcquire&) = delete;

 private:
  PyGILState_STATE state_;
};

/// The process that an object was made in. A process that was forked has the object's memory without its
/// threads, so it can neither use nor destroy it.
class HomeProcess {
 public:
  /// Throws ArgumentError, which calls the object `what`, in another process.
  void require(const char* what) const;
  /// In another process, moves `object` into memory that is never freed, and returns true.
  template <typename Object>
  bool keep_if_forked(Object& object) const noexcept {
    if (process_ == getpid()) {
      return false;
    }
    new (std::nothrow) Object(std::move(object));
    return true;
  }

 private:
  pid_t process_ = getpid();
};

}  // namespace streamdiffusion::python
