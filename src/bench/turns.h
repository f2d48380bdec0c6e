#pragma once

#include <functional>
#include <vector>

#include "bench/spread.h"

namespace streamdiffusion::bench {

/// One of several ways to do something: does it once and gives the figure, most often the seconds it took.
using Variant = std::function<double()>;

/// Lets the variants take turns, so that what disturbs the machine disturbs all of them: a round that is not
/// counted, then rounds until `seconds` for each variant are over, at least two.
std::vector<Spread> take_turns(const std::vector<Variant>& variants, double seconds);

}  // namespace streamdiffusion::bench
