#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace streamdiffusion::cpu {

/// The device's compute threads. Each has a share of the tasks, the same part of every operation, whose data
/// it often finds in its own cache; tasks are taken one by one, and who has done its share helps the others,
/// so a thread that the system holds up (a camera, an encoder on the same few cores) delays one task.
class ThreadPool {
 public:
  /// `threads` in all, the calling one included; at least 1. Throws Error where the system gives no more.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(index, thread) for every index in 0 .. count - 1 and returns when all are done; `thread` is
  /// in 0 .. threads() - 1. To be called from one thread at a time; allocates nothing. Tasks must not throw.
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

 private:
  using Call = void (*)(const void* task, std::int64_t index, int thread);

  /// Tasks next .. end - 1 are still to be taken.
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

  // One round of tasks: written by run() while the gate is closed and nobody is inside.
  Call call_ = nullptr;
  const void* task_ = nullptr;
  std::vector<Share> shares_;  // one for each thread
  alignas(64) std::atomic<std::uint32_t> round_{0};
  // Whether a round is open, and how many workers are inside: one that comes late finds it closed, and nobody
  // waits for it.
  alignas(64) std::atomic<std::uint32_t> gate_{0};
  std::atomic<bool> stop_{false};
  std::vector<std::thread> workers_;
};

}  // namespace streamdiffusion::cpu
