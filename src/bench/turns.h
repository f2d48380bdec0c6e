#pragma once

#include <functional>
#include <vector>

#include "bench/spread.h"

namespace streamdiffusion::bench {

/// One of several alternatives to compare: runs once and returns the measured value, usually seconds.
using Variant = std::function<double()>;

/// Runs the variants in turns, so that disturbances of the machine affect all of them alike. It runs one
/// round that is not counted, then rounds until `seconds` for each variant have passed, at least two.
std::vector<Spread> take_turns(const std::vector<Variant>& variants, double seconds);

}  // namespace streamdiffusion::bench
