#include "device/arena.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "device/cpu/cpu_device.h"
#include "device/failing_device.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

TEST(Arena, GivesTheSameAddressesForTheSameCalls) {
  const auto device = make_cpu_device(1);
  Arena arena(*device);
  const auto sequence = [&] {
    const Arena::Scope scope(arena);
    std::vector<void*> seen = {arena.allocate({1, 8, 8, 3}).data};
    {
      const Arena::Scope inner(arena);
      seen.push_back(arena.allocate({1, 512, 512, 32}).data);
    }
    seen.push_back(arena.allocate({1, 512, 512, 8}).data);
    return seen;
  };
  const auto first = sequence();
  const std::size_t bytes = arena.bytes();
  EXPECT_EQ(sequence(), first);
  EXPECT_EQ(arena.bytes(), bytes);
}

TEST(Arena, UsesMemoryAgainAfterAScope) {
  const auto device = make_cpu_device(1);
  Arena arena(*device);
  void* inside = nullptr;
  {
    const Arena::Scope scope(arena);
    inside = arena.allocate({1, 4, 4, 4}).data;
  }
  EXPECT_EQ(arena.allocate({1, 4, 4, 4}).data, inside);
}

TEST(Arena, GoesOnWhereItWasAfterMemoryDidNotSuffice) {
  const auto cpu = make_cpu_device(1);
  tests::FailingDevice device(*cpu);
  Arena arena(device);
  auto* const first = arena.allocate({1, 4, 4, 4}).as<std::byte>();
  device.fail_at(1);
  EXPECT_THROW(arena.allocate({1, 2048, 2048, 4}), Error);
  EXPECT_EQ(arena.allocate({1, 4, 4, 4}).as<std::byte>(), first + std::size_t{4 * 4 * 4} * sizeof(float));
}

TEST(CpuDevice, CountsMemoryThatIsPromisedAndNotYetWritten) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers reserve more addresses than the machine has memory";
#endif
  // Each buffer would fit by itself, and none takes memory before it is written.
  const auto device = make_cpu_device(1);
  std::vector<Buffer> buffers;
  const auto take_all = [&] {
    for (int i = 0; i < 4096; ++i) {
      buffers.push_back(device->allocate(std::size_t{4} << 30U));
    }
  };
  EXPECT_THROW(take_all(), Error);
}

TEST(CpuDevice, SaysWhenMemoryDoesNotSuffice) {
  const auto device = make_cpu_device(1);
  EXPECT_THROW(device->allocate(std::size_t{1} << 50U), Error);
}

}  // namespace
}  // namespace streamdiffusion
