#include "model.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include "arrays.h"
#include "streamdiffusion/devices.h"
#include "streamdiffusion/model.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace streamdiffusion::python {

namespace {

using Path = std::filesystem::path;
/// File, scale and name.
using Lora = std::tuple<Path, float, std::string>;
/// File and token.
using Embedding = std::tuple<Path, std::string>;

LoraOptions lora_options(const Lora& lora) {
  return {.file = std::get<0>(lora), .scale = std::get<1>(lora), .name = std::get<2>(lora)};
}

std::shared_ptr<PythonModel> load(const Path& path, const std::optional<Path>& vae,
                                  const std::vector<Lora>& loras, const std::optional<Path>& lora_folder,
                                  const std::vector<Embedding>& embeddings, bool prompt_weights,
                                  const std::string& prediction_type, const std::string& device,
                                  const std::string& precision, int threads, int clip_skip,
                                  const std::string& name) {
  const auto loaded = std::make_shared<PythonModel>();
  ModelOptions options{.path = path,
                       .name = name,
                       .vae = vae,
                       .lora_folder = lora_folder,
                       .prompt_weights = prompt_weights,
                       .prediction_type = prediction_type,
                       .device = device,
                       .precision = precision,
                       .threads = threads,
                       .clip_skip = clip_skip};
  std::ranges::transform(loras, std::back_inserter(options.loras), lora_options);
  for (const auto& [file, token] : embeddings) {
    options.embeddings.push_back({.file = file, .token = token});
  }
  options.on_warning = [&warnings = loaded->warnings](const std::string& message) {
    warnings.push_back(message);
  };
  options.stop = &loaded->stop;
  run_interruptibly([&] { loaded->shared.model = Model::load(options); }, loaded->stop);
  return loaded;
}

nb::dict describe(PythonModel& model) {
  const ModelInfo info = model.calls.run([&] { return model.model().info(); });
  nb::dict loras;
  for (const LoraScale& lora : info.loras) {
    loras[nb::str(lora.name.c_str())] = lora.scale;
  }
  nb::dict description;
  description["name"] = info.name;
  description["device"] = info.device;
  description["instruction_set"] = info.instruction_set;
  description["native_size"] = info.native_size;
  description["size_multiple"] = info.size_multiple;
  description["prompt_tokens"] = info.prompt_tokens;
  description["embedding_width"] = info.embedding_width;
  description["loras"] = loras;
  return description;
}

nb::object encode_prompt(PythonModel& model, const std::string& prompt,
                         const std::map<std::string, float>& loras) {
  std::vector<LoraScale> scales;
  for (const auto& [name, scale] : loras) {
    scales.push_back({.name = name, .scale = scale});
  }
  const ModelInfo& info = model.model().info();
  const NewArray embedding({info.prompt_tokens, info.embedding_width}, Output::float32);
  model.calls.run(
      [&] { std::ranges::copy(model.model().encode_prompt(prompt, scales), embedding.floats().begin()); });
  return embedding.array();
}

/// Returns the warnings since the last time that it was called.
std::vector<std::string> take_warnings(PythonModel& model) {
  const CallQueue::Turn turn(model.calls);
  return std::exchange(model.warnings, {});
}

/// Returns the fields of each GPU, and the reasons why CUDA and why Vulkan has none.
std::tuple<nb::list, std::string, std::string> list_gpus() {
  ComputeDevices devices;
  {
    const GilRelease released;
    devices = list_compute_devices();
  }
  nb::list gpus;
  for (const ComputeDevice& gpu : devices.gpus) {
    gpus.append(nb::make_tuple(gpu.device, gpu.name, gpu.memory_bytes, gpu.compute_capability, gpu.bus_id,
                               gpu.driver, gpu.is_discrete, gpu.is_software));
  }
  return {gpus, devices.cuda_problem, devices.vulkan_problem};
}

}  // namespace

PythonModel::~PythonModel() { calls.home().keep_if_forked(shared); }

void add_model(nb::module_& module) {
  nb::class_<PythonModel>(module, "Model")
      .def_static("load", load, "path"_a, nb::kw_only(), "vae"_a.none(), "loras"_a, "lora_folder"_a.none(),
                  "embeddings"_a, "prompt_weights"_a, "prediction_type"_a, "device"_a, "precision"_a,
                  "threads"_a, "clip_skip"_a, "name"_a)
      .def("info", describe)
      .def(
          "add_lora",
          [](PythonModel& model, const Lora& lora) {
            return model.calls.run([&] { return model.shared.add_lora(lora_options(lora)); });
          },
          "lora"_a)
      .def(
          "remove_lora",
          [](PythonModel& model, const std::string& name) {
            model.calls.run([&] { model.model().remove_lora(name); });
          },
          "name"_a)
      .def("encode_prompt", encode_prompt, "prompt"_a, "loras"_a)
      .def("take_warnings", take_warnings);
  module.def("list_compute_devices", list_gpus);
}

}  // namespace streamdiffusion::python
