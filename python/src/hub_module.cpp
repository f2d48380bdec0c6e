// The extension module _hub: models of the Hugging Face hub. It is a module of its own, so that only a
// program that names a model loads libcurl.

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "errors.h"
#include "interpreter.h"
#include "streamdiffusion/hub.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

using Path = std::filesystem::path;

/// Downloads what the options name, and returns (path, vae, files of LoRAs, notes).
nb::tuple fetch_model(const Path& path, const std::optional<Path>& vae, const std::vector<Path>& loras) {
  ModelOptions options{.path = path, .vae = vae};
  for (const Path& lora : loras) {
    options.loras.push_back({.file = lora});
  }
  std::atomic<bool> stop = false;
  HubOptions hub = HubOptions::from_environment();
  hub.stop = &stop;
  run_interruptibly([&] { options = streamdiffusion::fetch_model(std::move(options), hub); }, stop);
  std::vector<Path> files;
  for (const LoraOptions& lora : options.loras) {
    files.push_back(lora.file);
  }
  return nb::make_tuple(options.path, options.vae, files, options.notes);
}

}  // namespace

}  // namespace streamdiffusion::python

NB_MODULE(_hub, module) {
  streamdiffusion::python::register_errors();
  streamdiffusion::python::watch_exit();
  module.def("fetch_model", &streamdiffusion::python::fetch_model, "path"_a, "vae"_a.none(), "loras"_a);
}
