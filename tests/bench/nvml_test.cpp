#include "bench/nvml.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace streamdiffusion::bench {
namespace {

constexpr int kNotSupported = 3;

/// A fake NVML with one GPU at "0000:3b:00.0", whose power is 100 W. `counter` is its energy in millijoules.
Nvml fake(unsigned long long& counter, bool counts, bool tells_power) {
  return {[](const char* bus_id, void** gpu) {
            *gpu = nullptr;
            return std::string(bus_id) == "0000:3b:00.0" ? 0 : kNotSupported;
          },
          [&counter, counts](void* /*gpu*/, unsigned long long* millijoules) {
            *millijoules = counter;
            return counts ? 0 : kNotSupported;
          },
          [tells_power](void* /*gpu*/, unsigned int* milliwatts) {
            *milliwatts = 100'000;
            return tells_power ? 0 : kNotSupported;
          }};
}

TEST(Nvml, GivesWhatTheGpuHasCountedSince) {
  unsigned long long counter = 5'000'000;
  const Joules joules = measure_gpu(fake(counter, true, false), "0000:3b:00.0");
  counter += 2500;
  EXPECT_EQ(joules(), 2.5);
}

TEST(Nvml, AddsUpPowerWhereTheGpuCountsNothing) {
  using Clock = std::chrono::steady_clock;
  unsigned long long counter = 0;
  const Clock::time_point before = Clock::now();
  const Joules joules = measure_gpu(fake(counter, false, true), "0000:3b:00.0");
  const Clock::time_point begin = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const Clock::time_point end = Clock::now();
  const double measured = joules().value_or(0);
  const Clock::time_point after = Clock::now();
  EXPECT_GE(measured, 100 * std::chrono::duration<double>(end - begin).count() * 0.999);
  EXPECT_LE(measured, 100 * std::chrono::duration<double>(after - before).count() * 1.001);
}

TEST(Nvml, GivesNothingWhereItIsToldNothing) {
  unsigned long long counter = 0;
  EXPECT_FALSE(measure_gpu(fake(counter, false, false), "0000:3b:00.0")());
  EXPECT_FALSE(measure_gpu(fake(counter, true, true), "0000:af:00.0")());
}

}  // namespace
}  // namespace streamdiffusion::bench
