// The extension module _hub: models of the Hugging Face hub. It is a module of its own, so that only a
// program that names a model loads libcurl.

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <exception>
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

/// Passes the progress of downloads on to a Python function, until it raises an exception.
class ProgressReport {
 public:
  ProgressReport(nb::handle on_progress, std::atomic<bool>& stop) : on_progress_(on_progress), stop_(stop) {}

  void send(const HubProgress& progress) {
    if (on_progress_.is_none() || failure_) {
      return;
    }
    const GilAcquire acquired;
    try {
      on_progress_(progress.name, progress.done, progress.total, progress.bytes_per_second);
    } catch (nb::python_error&) {
      failure_ = std::current_exception();
      stop_ = true;
    }
  }
  /// Throws what the function has raised.
  void rethrow() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
  }

 private:
  nb::handle on_progress_;
  std::atomic<bool>& stop_;
  std::exception_ptr failure_;
};

/// Downloads what the options name, and returns (path, vae, files of LoRAs, notes, warnings).
nb::tuple fetch_model(const Path& path, const std::optional<Path>& vae, const std::vector<Path>& loras,
                      nb::handle on_progress) {
  ModelOptions options{.path = path, .vae = vae};
  for (const Path& lora : loras) {
    options.loras.push_back({.file = lora});
  }
  std::atomic<bool> stop = false;
  HubOptions hub = HubOptions::from_environment();
  hub.stop = &stop;
  ProgressReport report(on_progress, stop);
  hub.on_progress = [&](const HubProgress& progress) { report.send(progress); };
  std::vector<std::string> warnings;
  hub.on_message = [&](const std::string& message) { warnings.push_back(message); };
  try {
    run_interruptibly([&] { options = streamdiffusion::fetch_model(std::move(options), hub); }, stop);
  } catch (const HubStopped&) {
    report.rethrow();
    throw;
  }
  report.rethrow();
  std::vector<Path> files;
  for (const LoraOptions& lora : options.loras) {
    files.push_back(lora.file);
  }
  return nb::make_tuple(options.path, options.vae, files, options.notes, warnings);
}

}  // namespace

}  // namespace streamdiffusion::python

NB_MODULE(_hub, module) {
  streamdiffusion::python::register_errors();
  streamdiffusion::python::watch_exit();
  module.def("fetch_model", &streamdiffusion::python::fetch_model, "path"_a, "vae"_a.none(), "loras"_a,
             "on_progress"_a.none());
}
