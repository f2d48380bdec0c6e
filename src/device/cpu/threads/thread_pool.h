#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/index_range.h"

namespace streamdiffusion::cpu {

/// The device's compute threads. Each thread has the same share of every operation's tasks, so that it often
/// finds their data in its own cache. Threads take tasks one by one, and those that are done take the
/// others'. A thread that the system holds up, as by a camera on the same core, thus delays only one task.
class ThreadPool {
 public:
  /// Starts threads - 1 threads, since the caller of parallel_for works too; `threads` is at least 1. Throws
  /// Error if the system allows no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(index, thread) for every index in 0 .. count - 1; returns when all are done. `thread` is in
  /// 0 .. threads() - 1. Call it from one thread at a time. Allocates nothing. Tasks must not throw.
  template <typename Task>
  void parallel_for(std::int64_t count, const Task& task) {
    if (count <= 1 || workers_.empty()) {
      for (std::int64_t i = 0; i < count; ++i) {
        task(i, 0);
      }
      return;
    }
    run(
        count,
        [](const void* t, std::int64_t index, int thread) { (*static_cast<const Task*>(t))(index, thread); },
        &task);
  }

  /// Divides 0 .. count - 1 into `ranges` ranges of nearly the same length and calls task(first, last,
  /// thread) for each, like parallel_for. `last` is the index after the range's last one.
  template <typename Task>
  void parallel_for_ranges(std::int64_t count, std::int64_t ranges, const Task& task) {
    parallel_for(ranges, [&](std::int64_t i, int thread) {
      const IndexRange range = index_range(count, ranges, i);
      task(range.first, range.last, thread);
    });
  }

 private:
  using Call = void (*)(const void* task, std::int64_t index, int thread);

  /// A thread's share of a round: tasks next .. end - 1 are still to be taken.
  struct alignas(64) Share {
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void run(std::int64_t count, Call call, const void* task);
  void work(int thread);
  void join();
  void take_tasks(int thread);
  bool enter();
  void leave();

  // The round of tasks in progress. run() writes it while the gate is closed and no worker is inside.
  Call call_ = nullptr;
  const void* task_ = nullptr;
  std::vector<Share> shares_;  // One for each thread.
  alignas(64) std::atomic<std::uint32_t> round_{0};
  // The highest bit is set while a round is open; the others count the workers inside. A worker that wakes up
  // late finds the gate closed, and nobody waits for it.
  alignas(64) std::atomic<std::uint32_t> gate_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace streamdiffusion::cpu
