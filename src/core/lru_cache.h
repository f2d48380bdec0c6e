#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <utility>

namespace streamdiffusion {

/// The most recently used values by name, at most `capacity` of them.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  /// The value for `key`, made by `make()` where it is not kept. Valid until the next call.
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
  std::list<std::pair<std::string, Value>> entries_;  // the last used first
};

}  // namespace streamdiffusion
