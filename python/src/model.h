#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "control/lora_settings.h"

namespace streamdiffusion::python {

/// A model, the queue of its calls, and what it warns of.
struct PythonModel {
  PythonModel() = default;
  ~PythonModel();
  PythonModel(const PythonModel&) = delete;
  PythonModel& operator=(const PythonModel&) = delete;

  std::atomic<bool> stop = false;  ///< ModelOptions::stop.
  CallQueue calls;
  /// Warnings of the calls so far, which Python takes when the call has returned.
  std::vector<std::string> warnings = {};
  ModelWithLoras shared = {};  ///< It refers to the members above, so it is freed before them.

  Model& model() { return *shared.model; }
};

/// Adds the class Model to the module.
void add_model(nanobind::module_& module);

}  // namespace streamdiffusion::python
