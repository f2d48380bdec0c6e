#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "operations/peak.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
//
#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace streamdiffusion::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Runs multiply-adds in registers, in ten independent chains to hide their latency. Returns the number of
/// floating-point operations. `sink` keeps the compiler from removing them.
double multiply_add(std::int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999F);
  const auto term = hn::Set(d, 0.001F);
  const auto from = [d](float value) { return hn::Set(d, value); };
  // Each chain starts from a value of its own, because a compiler computes equal chains only once.
  auto a = from(1), b = from(2), c = from(3), e = from(4), f = from(5), g = from(6), h = from(7), i = from(8),
       j = from(9), k = from(10);
  for (std::int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term);
    b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term);
    e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term);
    g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term);
    i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term);
    k = hn::MulAdd(k, factor, term);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)),
                           hn::Add(hn::Add(hn::Add(f, g), hn::Add(h, i)), hn::Add(j, k)));
  *sink = hn::GetLane(sum);
  return 10.0 * 2 * static_cast<double>(hn::Lanes(d)) * static_cast<double>(rounds);
}

}  // namespace streamdiffusion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "operations/peak.h"

namespace streamdiffusion {

namespace {

HWY_EXPORT(multiply_add);

using Clock = std::chrono::steady_clock;

/// The work of one thread and its time.
struct Share {
  double done = 0;
  Clock::time_point start;
  Clock::time_point end;
};

/// The highest rate per second, over some rounds, of all threads running `work` at once. Each thread takes
/// its own time, since a further thread would not run on a fully loaded machine.
double best_rate(int threads, const std::function<double(int thread)>& work) {
  constexpr int kRounds = 7;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<Share> shares(static_cast<std::size_t>(threads));
    std::barrier barrier(threads);
    std::vector<std::jthread> all;
    for (int thread = 0; thread < threads; ++thread) {
      all.emplace_back([&, thread] {
        Share& share = shares[static_cast<std::size_t>(thread)];
        barrier.arrive_and_wait();
        share.start = Clock::now();
        share.done = work(thread);
        share.end = Clock::now();
      });
    }
    all.clear();  // Joins the threads.
    const auto first = std::ranges::min_element(shares, {}, &Share::start)->start;
    const auto last = std::ranges::max_element(shares, {}, &Share::end)->end;
    double sum = 0;
    for (const Share& share : shares) {
      sum += share.done;
    }
    best = std::max(best, sum / std::chrono::duration<double>(last - first).count());
  }
  return best;
}

}  // namespace

Peak measure_peak(int threads) {
  constexpr std::int64_t kMultiplications = 8'000'000;
  constexpr std::size_t kCopied = std::size_t{192} << 20U;
  const int count = threads > 0 ? threads : static_cast<int>(std::thread::hardware_concurrency());
  std::vector<float> sinks(static_cast<std::size_t>(count));
  Peak peak;
  peak.flops = best_rate(count, [&sinks](int thread) {
    return HWY_DYNAMIC_DISPATCH(multiply_add)(kMultiplications, &sinks[static_cast<std::size_t>(thread)]);
  });
  const std::size_t share = kCopied / static_cast<std::size_t>(count);
  const std::vector<char> from(kCopied, 1);
  std::vector<char> to(kCopied, 2);
  peak.copy_bytes = best_rate(count, [&](int thread) {
    const std::size_t start = static_cast<std::size_t>(thread) * share;
    std::memcpy(to.data() + start, from.data() + start, share);
    return 2.0 * static_cast<double>(share);
  });
  return peak;
}

}  // namespace streamdiffusion

#endif
