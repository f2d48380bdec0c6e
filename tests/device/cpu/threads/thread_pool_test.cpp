#include "device/cpu/threads/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace streamdiffusion::cpu {
namespace {

TEST(ThreadPool, RunsEveryTaskOnceInManyRounds) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> counts(37);
  for (int round = 0; round < 2000; ++round) {
    pool.parallel_for(37, [&](std::int64_t i, int thread) {
      EXPECT_GE(thread, 0);
      EXPECT_LT(thread, 4);
      counts[static_cast<std::size_t>(i)].fetch_add(1, std::memory_order_relaxed);
    });
  }
  for (const auto& count : counts) {
    EXPECT_EQ(count.load(), 2000);
  }
}

TEST(ThreadPool, DividesIndicesIntoRangesThatDifferByOneAtMost) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> counts(23);
  std::atomic<int> ranges = 0;
  pool.parallel_for_ranges(23, 5, [&](std::int64_t first, std::int64_t last, int thread) {
    EXPECT_LT(thread, 3);
    EXPECT_TRUE(last - first == 4 || last - first == 5) << first << " " << last;
    ranges.fetch_add(1);
    for (std::int64_t i = first; i < last; ++i) {
      counts[static_cast<std::size_t>(i)].fetch_add(1);
    }
  });
  EXPECT_EQ(ranges.load(), 5);
  for (const auto& count : counts) {
    EXPECT_EQ(count.load(), 1);
  }
}

TEST(ThreadPool, GivesEachThreadTheSameShareEveryTime) {
  ThreadPool pool(2);
  std::array<std::atomic<bool>, 2> begun{};
  std::array<int, 2> threads{};
  // Neither task ends before the other has begun, so no thread can take both.
  for (int round = 0; round < 100; ++round) {
    begun[0] = begun[1] = false;
    pool.parallel_for(2, [&](std::int64_t i, int thread) {
      const auto task = static_cast<std::size_t>(i);
      threads[task] = thread;
      begun[task] = true;
      while (!begun[1 - task]) {
        std::this_thread::yield();
      }
    });
    EXPECT_EQ(threads[0], 0);
    EXPECT_EQ(threads[1], 1);
  }
}

TEST(ThreadPool, HelpsAThreadThatIsHeldUp) {
  ThreadPool pool(2);
  std::atomic<int> done{0};
  // The first task waits for all others, nearly half of which are in its own thread's share.
  pool.parallel_for(20, [&](std::int64_t i, int) {
    while (i == 0 && done.load() < 19) {
      std::this_thread::yield();
    }
    done.fetch_add(1);
  });
  EXPECT_EQ(done.load(), 20);
}

TEST(ThreadPool, SleepsAndWakesBetweenRounds) {
  ThreadPool pool(3);
  std::atomic<int> sum{0};
  for (int round = 0; round < 20; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pool.parallel_for(10, [&](std::int64_t i, int) { sum.fetch_add(static_cast<int>(i)); });
  }
  EXPECT_EQ(sum.load(), 20 * 45);
}

TEST(ThreadPool, WorksWithoutWorkers) {
  ThreadPool pool(1);
  int count = 0;
  pool.parallel_for(5, [&](std::int64_t, int) { ++count; });
  EXPECT_EQ(count, 5);
}

}  // namespace
}  // namespace streamdiffusion::cpu
