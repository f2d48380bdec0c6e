#pragma once

#include <vector>

namespace streamdiffusion::bench {

/// What several runs of one thing took.
struct Spread {
  double median = 0;
  double low = 0;   ///< a quarter of the runs took less
  double high = 0;  ///< a quarter of the runs took more
  int runs = 0;
};

/// Of at least one run.
Spread spread_of(std::vector<double> runs);

}  // namespace streamdiffusion::bench
