#include "core/lru_cache.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace streamdiffusion {
namespace {

TEST(LruCache, MakesAValueOnceWhileItIsKept) {
  LruCache<int> cache(2);
  int made = 0;
  const auto make = [&made] { return ++made; };
  EXPECT_EQ(cache.get("a", make), 1);
  EXPECT_EQ(cache.get("a", make), 1);
  EXPECT_EQ(cache.get("b", make), 2);
  EXPECT_EQ(cache.get("a", make), 1);
}

TEST(LruCache, ForgetsWhatWasUsedLongestAgo) {
  LruCache<std::string> cache(2);
  const auto get = [&cache](const std::string& key, const std::string& value) {
    return cache.get(key, [&value] { return value; });
  };
  get("a", "first a");
  get("b", "first b");
  EXPECT_EQ(get("a", "second a"), "first a");
  get("c", "first c");  // Evicts b.
  EXPECT_EQ(get("a", "second a"), "first a");
  EXPECT_EQ(get("b", "second b"), "second b");
}

TEST(LruCache, KeepsNothingWhereMakingFails) {
  LruCache<int> cache(2);
  EXPECT_THROW(cache.get("a", []() -> int { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(cache.get("a", [] { return 7; }), 7);
}

}  // namespace
}  // namespace streamdiffusion
