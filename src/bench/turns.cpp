#include "bench/turns.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "bench/stopwatch.h"

namespace streamdiffusion::bench {

std::vector<Spread> take_turns(const std::vector<Variant>& variants, double seconds) {
  constexpr int kFewestRounds = 2;
  for (const Variant& variant : variants) {
    variant();
  }
  std::vector<std::vector<double>> runs(variants.size());
  const double limit = seconds * static_cast<double>(variants.size());
  const Stopwatch watch;
  for (int round = 0; round < kFewestRounds || watch.seconds() < limit; ++round) {
    for (std::size_t i = 0; i < variants.size(); ++i) {
      runs[i].push_back(variants[i]());
    }
  }
  std::vector<Spread> spreads;
  std::ranges::transform(runs, std::back_inserter(spreads), spread_of);
  return spreads;
}

}  // namespace streamdiffusion::bench
