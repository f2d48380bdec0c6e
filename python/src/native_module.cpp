// The extension module _native: models and streams.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "errors.h"
#include "interpreter.h"
#include "model.h"
#include "random_generator.h"
#include "settings.h"
#include "stream.h"
#include "streamdiffusion/version.h"

NB_MODULE(_native, module) {
  streamdiffusion::python::register_errors();
  streamdiffusion::python::watch_exit();
  streamdiffusion::python::add_model(module);
  streamdiffusion::python::add_random_generator(module);
  streamdiffusion::python::add_settings(module);
  streamdiffusion::python::add_stream(module);
  module.def("version", &streamdiffusion::version);
}
