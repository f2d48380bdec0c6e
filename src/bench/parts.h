#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/table.h"
#include "bench/workbench.h"

namespace streamdiffusion::bench {

/// A part of the benchmark, which can be chosen by its name.
struct Part {
  std::string name;
  std::string about;
  std::function<Table(const Workbench&)> measure;
};

/// All of them, in the order in which they are taken.
const std::vector<Part>& parts();

// One file each.
Table measure_steps(const Workbench& bench);
Table measure_guidance(const Workbench& bench);
Table measure_optimisations(const Workbench& bench);
Table measure_filter(const Workbench& bench);
Table measure_queue(const Workbench& bench);
Table measure_scaling(const Workbench& bench);
Table measure_start(const Workbench& bench);

}  // namespace streamdiffusion::bench
