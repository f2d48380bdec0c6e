#include "posix/signals.h"

#include <csignal>

namespace streamdiffusion::posix {
namespace {

// These are global because a signal handler has no other state. They must be lock-free for the same reason.
std::atomic<bool> stopping{false};
std::atomic<int> stop_signal{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void on_stop(int signal) {
  stop_signal = signal;
  stopping = true;
}

void install(void (*handler)(int), int signal) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  // SA_RESETHAND gives the second signal the default action. SA_RESTART continues interrupted reads and
  // writes.
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(signal, &action, nullptr);
}

}  // namespace

const std::atomic<bool>& stop_flag() { return stopping; }

void request_stop() { stopping = true; }

StopSignals::StopSignals() {
  stopping = false;
  stop_signal = 0;
  install(on_stop, SIGINT);
  install(on_stop, SIGTERM);
}

StopSignals::~StopSignals() {
  install(SIG_DFL, SIGINT);
  install(SIG_DFL, SIGTERM);
}

const std::atomic<bool>& StopSignals::stop() const { return stopping; }

int StopSignals::signal() const { return stop_signal; }

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace streamdiffusion::posix
