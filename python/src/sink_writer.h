#pragma once

#include <nanobind/nanobind.h>

namespace streamdiffusion::python {

/// Adds the class SinkWriter to the module.
void add_sink_writer(nanobind::module_& module);

}  // namespace streamdiffusion::python
