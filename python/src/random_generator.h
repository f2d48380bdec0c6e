#pragma once

#include <nanobind/nanobind.h>

namespace streamdiffusion::python {

/// Adds the class RandomGenerator to the module.
void add_random_generator(nanobind::module_& module);

}  // namespace streamdiffusion::python
