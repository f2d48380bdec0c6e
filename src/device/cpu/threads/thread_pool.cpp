#include "device/cpu/threads/thread_pool.h"

#include <chrono>
#include <string>
#include <system_error>

#include "streamdiffusion/error.h"

namespace streamdiffusion::cpu {

namespace {

// Operations follow one another within microseconds, so spinning this long is cheaper than sleeping and being
// woken. Longer spinning would take time from pre- and post-processing on the same cores.
constexpr auto kSpin = std::chrono::microseconds(30);

constexpr std::uint32_t kOpen = 0x80000000U;  // Bit of the gate that is set while a round is open.

inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until `value` differs from `old`: spins at first, then sleeps. Returns the new value.
template <typename T>
T wait_for_change(const std::atomic<T>& value, T old) {
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      const T now = value.load(std::memory_order_acquire);
      if (now != old) {
        return now;
      }
      pause();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

ThreadPool::ThreadPool(int threads) : shares_(static_cast<std::size_t>(threads)) {
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (int i = 1; i < threads; ++i) {
      workers_.emplace_back([this, i] { work(i); });
    }
  } catch (const std::system_error&) {
    const std::size_t started = workers_.size() + 1;
    join();
    throw DeviceError("cannot start " + std::to_string(threads) +
                      " threads: the system allows no more than " + std::to_string(started) +
                      "; ask for fewer");
  }
}

ThreadPool::~ThreadPool() { join(); }

void ThreadPool::join() {
  stop_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  for (std::thread& worker : workers_) {
    worker.join();
  }
}

void ThreadPool::run(std::int64_t count, Call call, const void* task) {
  call_ = call;
  task_ = task;
  for (std::int64_t i = 0; i < threads(); ++i) {
    Share& share = shares_[static_cast<std::size_t>(i)];
    const IndexRange tasks = index_range(count, threads(), i);
    share.next.store(tasks.first, std::memory_order_relaxed);
    share.end = tasks.last;
  }
  gate_.store(kOpen, std::memory_order_release);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  take_tasks(0);
  std::uint32_t inside = gate_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (inside != 0) {
    inside = wait_for_change(gate_, inside);
  }
}

bool ThreadPool::enter() {
  std::uint32_t gate = gate_.load(std::memory_order_relaxed);
  while ((gate & kOpen) != 0) {
    if (gate_.compare_exchange_weak(gate, gate + 1, std::memory_order_acq_rel, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::leave() {
  if (gate_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    gate_.notify_one();  // The gate is closed and nobody is inside: run() may sleep until then.
  }
}

void ThreadPool::work(int thread) {
  std::uint32_t seen = 0;
  while (true) {
    seen = wait_for_change(round_, seen);
    if (stop_.load(std::memory_order_relaxed)) {
      return;
    }
    if (enter()) {
      take_tasks(thread);
      leave();
    }
  }
}

void ThreadPool::take_tasks(int thread) {
  for (int i = 0; i < threads(); ++i) {
    Share& share = shares_[static_cast<std::size_t>((thread + i) % threads())];
    for (std::int64_t task = share.next.fetch_add(1, std::memory_order_relaxed); task < share.end;
         task = share.next.fetch_add(1, std::memory_order_relaxed)) {
      call_(task_, task, thread);
    }
  }
}

}  // namespace streamdiffusion::cpu
