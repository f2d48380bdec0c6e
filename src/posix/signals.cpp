#include "posix/signals.h"

#include <csignal>

namespace streamdiffusion::posix {
namespace {

// A signal handler reaches nothing but what is global; both are lock-free, as it needs.
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
  // The second one meets the system's own handler. Reads and writes under way go on.
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
