#include "device/cpu/page_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <set>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "posix/memory.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cpu {
namespace {

std::span<std::uint8_t> bytes_of(const Buffer& buffer) {
  return {static_cast<std::uint8_t*>(buffer.data()), buffer.bytes()};
}

bool all_are(std::span<const std::uint8_t> bytes, std::uint8_t value) {
  return std::ranges::all_of(bytes, [value](std::uint8_t byte) { return byte == value; });
}

/// Adds the large pages that a buffer occupies.
void add_pages(const Buffer& buffer, std::set<std::uintptr_t>& pages) {
  const auto begin = reinterpret_cast<std::uintptr_t>(buffer.data());
  for (std::uintptr_t page = begin / posix::kLargePage; page <= (begin + buffer.bytes()) / posix::kLargePage;
       ++page) {
    pages.insert(page);
  }
}

TEST(PageAllocator, GivesZeroedMemoryToEachOnItsOwn) {
  PageAllocator allocator;
  std::vector<Buffer> buffers;
  for (const std::size_t size : {0, 1, 63, 64, 100'000, 900'000, 900'001, 5'000'000, 2'097'152, 7}) {
    buffers.push_back(allocator.allocate(size));
    EXPECT_GE(buffers.back().bytes(), std::max<std::size_t>(size, 1));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffers.back().data()) % 64, 0U);
    EXPECT_TRUE(all_are(bytes_of(buffers.back()), 0)) << size;
    std::ranges::fill(bytes_of(buffers.back()), static_cast<std::uint8_t>(buffers.size()));
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_TRUE(all_are(bytes_of(buffers[i]), static_cast<std::uint8_t>(i + 1))) << i;
  }
}

TEST(PageAllocator, AlignsLargeBuffersToLargePages) {
  PageAllocator allocator;
  const Buffer buffer = allocator.allocate(3 * posix::kLargePage + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % posix::kLargePage, 0U);
}

TEST(PageAllocator, LeavesNeighboursAloneWhenABufferOrTheAllocatorGoes) {
  Buffer kept;
  {
    PageAllocator allocator;
    const Buffer before = allocator.allocate(1000);
    kept = allocator.allocate(1000);
    const Buffer after = allocator.allocate(1000);
    std::ranges::fill(bytes_of(kept), std::uint8_t{7});
  }
  EXPECT_TRUE(all_are(bytes_of(kept), 7));
}

TEST(PageAllocator, LeavesLittleBetweenBuffersThatSharePages) {
  constexpr std::size_t kLarge = 3'300'000;
  constexpr std::size_t kSmall = 1000;
  PageAllocator allocator;
  std::vector<Buffer> buffers;
  for (int i = 0; i < 40; ++i) {
    buffers.push_back(allocator.allocate(kLarge));
    buffers.push_back(allocator.allocate(kSmall));
  }
  std::set<std::uintptr_t> pages;
  for (const Buffer& buffer : buffers) {
    add_pages(buffer, pages);
  }
  EXPECT_LT(static_cast<double>(pages.size() * posix::kLargePage), 1.1 * 40 * (kLarge + kSmall));
}

/// Replaces buffers as a changed LoRA scale replaces layers: new ones are allocated before the old are freed.
TEST(PageAllocator, UsesNoMoreAndMorePagesWhereBuffersAreReplaced) {
  constexpr int kBuffers = 30;
  constexpr int kTimes = 100;
  constexpr std::size_t kBytes = 500'000;
  PageAllocator allocator;
  const Buffer kept = allocator.allocate(kBytes);
  std::vector<Buffer> buffers;
  std::set<std::uintptr_t> pages;  // A set, since the system hands out freed pages again.
  for (int i = 0; i < kTimes; ++i) {
    std::vector<Buffer> replacing;
    for (int j = 0; j < kBuffers; ++j) {
      replacing.push_back(allocator.allocate(kBytes));
      add_pages(replacing.back(), pages);
    }
    buffers = std::move(replacing);
  }
  EXPECT_LT(pages.size() * posix::kLargePage, kTimes * kBuffers * kBytes / 10);
}

/// Replaces buffers as a stream does when its number of steps changes, while weights in the same pages stay.
TEST(PageAllocator, UsesPlacesOfFreedBuffersAgainWhereOthersOfTheirPagesStay) {
  constexpr std::size_t kPlaces = 4;
  constexpr std::size_t kMost = 200'000;
  PageAllocator allocator;
  std::vector<Buffer> buffers(kPlaces);
  std::vector<Buffer> kept;
  std::set<std::uintptr_t> pages;
  std::minstd_rand random(1);
  for (int i = 0; i < 2000; ++i) {
    Buffer& buffer = buffers[random() % kPlaces];
    buffer = allocator.allocate(random() % kMost);
    EXPECT_TRUE(all_are(bytes_of(buffer), 0)) << i;
    std::ranges::fill(bytes_of(buffer), std::uint8_t{1});
    add_pages(buffer, pages);
    if (i % 100 == 0) {
      kept.push_back(allocator.allocate(64));
    }
  }
  EXPECT_LT(pages.size() * posix::kLargePage, 8 * kPlaces * kMost);
}

TEST(PageAllocator, JoinsFreedNeighboursInAnyOrder) {
  constexpr std::size_t kBytes = 1'048'576;
  for (const std::array<std::size_t, 3>& order :
       {std::array<std::size_t, 3>{0, 1, 2}, {2, 1, 0}, {0, 2, 1}}) {
    PageAllocator allocator;
    std::vector<Buffer> buffers;
    for (int i = 0; i < 4; ++i) {
      buffers.push_back(allocator.allocate(kBytes));
    }
    void* const first = buffers[0].data();
    for (const std::size_t i : order) {
      buffers[i] = {};
    }
    EXPECT_EQ(allocator.allocate(3 * kBytes).data(), first);
  }
}

TEST(PageAllocator, TakesBackBuffersFromAnyThread) {
  PageAllocator allocator;
  std::vector<Buffer> buffers(64);
  for (int round = 0; round < 20; ++round) {
    for (Buffer& buffer : buffers) {
      buffer = allocator.allocate(10'000);
    }
    std::vector<std::jthread> threads;
    for (std::size_t first = 0; first < 2; ++first) {
      threads.emplace_back([&buffers, first] {
        for (std::size_t i = first; i < buffers.size(); i += 2) {
          buffers[i] = {};
        }
      });
    }
    static_cast<void>(allocator.allocate(10'000));
  }
}

TEST(PageAllocator, SaysHowMuchMemoryIsMissing) {
  PageAllocator allocator;
  EXPECT_THROW(allocator.allocate(std::size_t{1} << 60U), Error);
}

}  // namespace
}  // namespace streamdiffusion::cpu
