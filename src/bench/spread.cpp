#include "bench/spread.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace streamdiffusion::bench {

namespace {

/// Returns the quantile `share` (0 to 1) of sorted values, linearly interpolated.
double quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

}  // namespace

Spread spread_of(std::vector<double> runs) {
  std::ranges::sort(runs);
  return {.median = quantile(runs, 0.5),
          .low = quantile(runs, 0.25),
          .high = quantile(runs, 0.75),
          .runs = static_cast<int>(runs.size())};
}

}  // namespace streamdiffusion::bench
