#include "pipeline/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "manual_clock.h"

namespace streamdiffusion {
namespace {

using namespace std::chrono_literals;
using Queue = BoundedQueue<int>;

bool push(Queue& queue, int value) { return queue.push(value); }

TEST(BoundedQueue, GivesItemsInOrderOverAThreadBorder) {
  Queue queue(3);
  std::jthread producer([&] {
    for (int i = 0; i < 10000; ++i) {
      push(queue, i);
    }
    queue.close();
  });
  int item = 0;
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(queue.pop(item));
    ASSERT_EQ(item, i);
  }
  EXPECT_FALSE(queue.pop(item));
}

TEST(BoundedQueue, HoldsNoMoreThanItsCapacity) {
  constexpr int kCapacity = 2;
  Queue queue(kCapacity);
  std::atomic<int> pushed{0};
  std::jthread producer([&] {
    while (push(queue, 0)) {
      ++pushed;
    }
  });
  int popped = 0;
  for (int item = 0; popped < 1000; ++popped) {
    while (pushed < popped + kCapacity) {
      std::this_thread::yield();
    }
    ASSERT_EQ(pushed, popped + kCapacity);
    queue.pop(item);
  }
  queue.close();
  producer.join();
  EXPECT_LE(pushed, popped + kCapacity);
}

TEST(BoundedQueue, NewestReplacesTheOldestWhereThereIsNoRoom) {
  Queue queue(2);
  int item = 1;
  EXPECT_EQ(queue.push_newest(item), Queue::Newest::added);
  item = 2;
  EXPECT_EQ(queue.push_newest(item), Queue::Newest::added);
  item = 3;
  EXPECT_EQ(queue.push_newest(item), Queue::Newest::replaced);
  EXPECT_EQ(item, 1);
  ASSERT_TRUE(queue.pop(item));
  EXPECT_EQ(item, 2);
  ASSERT_TRUE(queue.pop(item));
  EXPECT_EQ(item, 3);
}

TEST(BoundedQueue, ClosedQueueGivesWhatItHoldsAndTakesNothing) {
  Queue queue(2);
  push(queue, 7);
  queue.close();
  EXPECT_FALSE(push(queue, 8));
  int item = 9;
  EXPECT_EQ(queue.push_newest(item), Queue::Newest::closed);
  EXPECT_EQ(item, 9);
  ASSERT_TRUE(queue.pop(item));
  EXPECT_EQ(item, 7);
  EXPECT_FALSE(queue.pop(item));
}

TEST(BoundedQueue, DiscardGivesUpWhatItHoldsAndWakesBothEnds) {
  for (int round = 0; round < 200;
       ++round) {  // Covers discarding both before the other threads wait and while they do.
    Queue full(1);
    Queue empty(1);
    push(full, 1);
    std::jthread producer([&] { EXPECT_FALSE(push(full, 2)); });
    std::jthread consumer([&] {
      int item = 0;
      EXPECT_FALSE(empty.pop(item));
    });
    for (int i = 0; i < round; ++i) {
      std::this_thread::yield();
    }
    EXPECT_EQ(full.discard(), 1U);
    EXPECT_EQ(empty.discard(), 0U);
    EXPECT_EQ(full.discard(), 0U);
  }
}

TEST(BoundedQueue, PopUntilGivesUpAtItsDeadlineButTakesWhatIsThereAlready) {
  Queue queue(1);
  ManualClock clock;
  int item = 0;
  const auto start = clock.now();
  std::jthread mover([&] {
    EXPECT_EQ(clock.next_deadline(), start + 20ms);
    clock.move(20ms);
  });
  EXPECT_EQ(queue.pop_until(item, start + 20ms, clock), Queue::Popped::timeout);
  EXPECT_EQ(clock.now(), start + 20ms);
  push(queue, 5);
  EXPECT_EQ(queue.pop_until(item, start, clock), Queue::Popped::item);
  EXPECT_EQ(item, 5);
  queue.close();
  EXPECT_EQ(queue.pop_until(item, start + 1h, clock), Queue::Popped::closed);
}

TEST(BoundedQueue, SwapsMemoryInACircle) {
  BoundedQueue<std::vector<int>> queue(1);
  std::vector<int> in(100);
  std::vector<int> out(200);
  const int* const first = in.data();
  const int* const second = out.data();
  queue.push(in);
  queue.pop(out);
  EXPECT_EQ(out.data(), first);
  queue.push(in);  // `in` is empty, because it was swapped with an empty slot.
  in.clear();
  queue.pop(out);
  queue.push(out);
  EXPECT_EQ(out.data(), first);
  EXPECT_NE(out.data(), second);
}

}  // namespace
}  // namespace streamdiffusion
