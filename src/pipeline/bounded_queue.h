#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "core/monotonic_clock.h"

namespace streamdiffusion {

/// A queue of at most `capacity` items between two threads. Allocates when it is made, never later.
///
/// Items are swapped in and out: what a caller hands over comes back as the item that lay in that place
/// before, so that memory travels in a circle. A closed queue takes nothing more and gives what it still
/// holds.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : items_(capacity) {}

  /// Waits for room. False when the queue is closed: `item` is untouched then.
  bool push(T& item) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || count_ < items_.size(); });
    if (closed_) {
      return false;
    }
    put(item);
    return true;
  }

  enum class Newest { added, replaced, closed };

  /// Never waits: where there is no room the oldest item makes some, and comes back in `item`.
  Newest push_newest(T& item) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return Newest::closed;
    }
    if (count_ < items_.size()) {
      put(item);
      return Newest::added;
    }
    // The oldest lies where the newest goes: the ring is full.
    std::swap(items_[first_], item);
    first_ = (first_ + 1) % items_.size();
    return Newest::replaced;
  }

  /// Waits for an item. False when the queue is closed and empty.
  bool pop(T& item) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || count_ > 0; });
    return take(item);
  }

  enum class Popped { item, timeout, closed };

  /// The same until `deadline`; gives an item that is there already also after it.
  Popped pop_until(T& item, MonotonicClock::TimePoint deadline, MonotonicClock& clock) {
    std::unique_lock lock(mutex_);
    if (!clock.wait_until(lock, filled_, deadline, [&] { return closed_ || count_ > 0; })) {
      return Popped::timeout;
    }
    return take(item) ? Popped::item : Popped::closed;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    close_locked();
  }

  /// Closes, and gives up what it holds. Returns how many items that were.
  std::size_t discard() {
    const std::lock_guard lock(mutex_);
    close_locked();
    return std::exchange(count_, 0);
  }

 private:
  void put(T& item) {
    std::swap(items_[(first_ + count_) % items_.size()], item);
    ++count_;
    filled_.notify_one();
  }

  bool take(T& item) {
    if (count_ == 0) {
      return false;
    }
    std::swap(items_[first_], item);
    first_ = (first_ + 1) % items_.size();
    --count_;
    room_.notify_one();
    return true;
  }

  void close_locked() {
    closed_ = true;
    filled_.notify_all();
    room_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable filled_;
  std::condition_variable room_;
  std::vector<T> items_;  // a ring
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  bool closed_ = false;
};

}  // namespace streamdiffusion
