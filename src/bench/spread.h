#pragma once

#include <vector>

namespace streamdiffusion::bench {

/// Median and quartiles of several runs.
struct Spread {
  double median = 0;
  double low = 0;   ///< Lower quartile.
  double high = 0;  ///< Upper quartile.
  int runs = 0;
};

/// Returns the spread of at least one run.
Spread spread_of(std::vector<double> runs);

}  // namespace streamdiffusion::bench
