#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/table.h"
#include "bench/workbench.h"

namespace streamdiffusion::bench {

/// A part of the benchmark, which users choose by its name.
struct Part {
  std::string name;
  std::string about;
  std::function<Table(const Workbench&)> measure;
};

/// Returns all parts, in the order in which they run.
const std::vector<Part>& parts();

// The parts, each in a file of its own.
Table measure_steps(const Workbench& bench);
Table measure_guidance(const Workbench& bench);
Table measure_optimisations(const Workbench& bench);
Table measure_filter(const Workbench& bench);
Table measure_queue(const Workbench& bench);
Table measure_scaling(const Workbench& bench);
Table measure_start(const Workbench& bench);

}  // namespace streamdiffusion::bench
