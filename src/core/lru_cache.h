#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

namespace streamdiffusion {

/// A cache that keeps the `capacity` most recently used values, by name. Not thread-safe.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  /// Returns the value for `key`. Creates it by `make()` if the cache lacks it. The reference is valid until
  /// the next call.
  template <typename Make>
  const Value& get(const std::string& key, Make&& make) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first == key) {
        entries_.splice(entries_.begin(), entries_, entry);
        return entries_.front().second;
      }
    }
    entries_.emplace_front(key, make());
    if (entries_.size() > capacity_) {
      entries_.pop_back();
    }
    return entries_.front().second;
  }

 private:
  std::size_t capacity_;
  std::list<std::pair<std::string, Value>> entries_;  // most recently used first
};

}  // namespace streamdiffusion
