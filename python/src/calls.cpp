#include "calls.h"

#include <nanobind/stl/string.h>

#include <condition_variable>
#include <exception>
#include <string>
#include <utility>

#include "streamdiffusion/error.h"

namespace nb = nanobind;

namespace streamdiffusion::python {

namespace {

/// True for Python's False and numpy's. Other results that count as false, such as None and 0, do not stop a
/// call.
bool is_false(nb::handle value) {
  if (value.is(nb::bool_(false))) {
    return true;
  }
  const nb::handle type = value.type();
  const auto name =
      nb::cast<std::string>(type.attr("__module__")) + "." + nb::cast<std::string>(type.attr("__name__"));
  return (name == "numpy.bool" || name == "numpy.bool_") && !nb::bool_(value);
}

}  // namespace

void check_signals() {
  if (PyErr_CheckSignals() != 0) {
    throw nb::python_error();
  }
}

CallQueue::Turn::Turn(CallQueue& queue, const std::function<bool()>& is_cancelled) : queue_(queue) {
  queue_.home_.require("model or stream");
  if (queue_.owner_ == std::this_thread::get_id()) {
    throw ArgumentError("a callback calls the model or stream that called it; let it return first");
  }
  while (!queue_.mutex_.try_lock()) {
    bool locked = false;
    {
      const GilRelease released;
      locked = queue_.mutex_.try_lock_for(kSignalInterval);
    }
    if (locked) {
      break;
    }
    check_signals();
    if (is_cancelled && is_cancelled()) {
      throw Cancelled("the call was cancelled while it waited for its turn");
    }
  }
  queue_.owner_ = std::this_thread::get_id();
}

CallQueue::Turn::~Turn() {
  queue_.destroy_waiting();
  queue_.owner_ = std::thread::id();
  queue_.mutex_.unlock();
}

void CallQueue::destroy(std::shared_ptr<void> object) noexcept {
  if (home_.keep_if_forked(object)) {
    return;
  }
  {
    const std::scoped_lock lock(waiting_mutex_);
    waiting_.push_back(std::move(object));
  }
  if (owner_ != std::this_thread::get_id() && mutex_.try_lock()) {
    destroy_waiting();
    mutex_.unlock();
  }
}

void CallQueue::destroy_waiting() {
  std::vector<std::shared_ptr<void>> objects;
  const std::scoped_lock lock(waiting_mutex_);
  objects.swap(waiting_);
}

void run_interruptibly(const std::function<void()>& function, std::atomic<bool>& stop) {
  std::mutex mutex;
  std::condition_variable ended;
  bool has_ended = false;
  std::exception_ptr failure;
  std::exception_ptr interruption;
  std::thread worker([&] {
    try {
      function();
    } catch (...) {
      failure = std::current_exception();
    }
    const std::scoped_lock lock(mutex);
    has_ended = true;
    ended.notify_one();
  });
  for (bool waits = true; waits;) {
    {
      const GilRelease released;
      std::unique_lock lock(mutex);
      waits = !ended.wait_for(lock, kSignalInterval, [&] { return has_ended; });
    }
    if (waits && !interruption && PyErr_CheckSignals() != 0) {
      interruption = std::make_exception_ptr(nb::python_error());
      stop = true;
    }
  }
  worker.join();
  if (interruption || failure) {
    std::rethrow_exception(interruption ? interruption : failure);
  }
}

void StepWatch::begin(nb::handle on_step, std::uint64_t cancellations) {
  on_step_ = on_step;
  cancellations_before_ = cancellations;
  next_check_ = std::chrono::steady_clock::now() + kSignalInterval;
}

bool StepWatch::goes_on(const DenoisingStepInfo& step) {
  if (cancellations_ != cancellations_before_) {
    return false;
  }
  const auto now = std::chrono::steady_clock::now();
  if (on_step_.is_none() && now < next_check_) {
    return true;
  }
  next_check_ = now + kSignalInterval;
  const GilAcquire acquired;
  check_signals();
  return on_step_.is_none() || !is_false(on_step_(step.call, step.calls));
}

}  // namespace streamdiffusion::python
