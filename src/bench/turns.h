#pragma once

#include <functional>
#include <vector>

#include "bench/spread.h"

namespace streamdiffusion::bench {

/// One of several alternatives to compare: runs once and returns the measured value, usually seconds.
using Variant = std::function<double()>;

/// Runs the variants alternately, so that disturbances of the machine affect all alike. An uncounted warm-up
/// round comes first. At least two rounds follow, until `seconds` times the number of variants have passed.
/// Returns one Spread for each variant.
std::vector<Spread> take_turns(const std::vector<Variant>& variants, double seconds);

}  // namespace streamdiffusion::bench
