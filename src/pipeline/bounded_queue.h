#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "core/monotonic_clock.h"

namespace streamdiffusion {

/// A queue of at most `capacity` items between two threads. It allocates only in its constructor.
/// Thread-safe.
///
/// Items are swapped in and out. The caller gets back the item that occupied the slot before, so its memory
/// is reused. A closed queue accepts no more items, but still returns those that it holds.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : items_(capacity) {}

  /// Adds an item, after waiting for a free slot. Returns false, and leaves `item` unchanged, if the queue is
  /// closed.
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

  /// Adds an item without waiting. In a full queue it replaces the oldest item, which is returned in `item`.
  Newest push_newest(T& item) {
    const std::lock_guard lock(mutex_);
    if (closed_) {
      return Newest::closed;
    }
    if (count_ < items_.size()) {
      put(item);
      return Newest::added;
    }
    // In a full ring the oldest item occupies the slot of the newest.
    std::swap(items_[first_], item);
    first_ = (first_ + 1) % items_.size();
    return Newest::replaced;
  }

  /// Takes the oldest item, after waiting for one. Returns false if the queue is closed and empty.
  bool pop(T& item) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return closed_ || count_ > 0; });
    return take(item);
  }

  enum class Popped { item, timeout, closed };

  /// Takes the oldest item, after waiting until `deadline` at most. An available item is returned even after
  /// the deadline.
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

  /// Closes the queue and discards its items. Returns their number.
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
  std::vector<T> items_;  // ring buffer
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  bool closed_ = false;
};

}  // namespace streamdiffusion
