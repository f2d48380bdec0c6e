#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/hub_session.h"
#include "cli/presets.h"
#include "cli/progress.h"
#include "model/files/safetensors.h"
#include "model/weights/lora_metadata.h"

namespace streamdiffusion::cli {
namespace {

namespace fs = std::filesystem;

struct ModelsOptions {
  std::vector<std::string> names;
  bool quiet = false;
};

using Row = std::vector<std::string>;

/// Prints rows with aligned columns.
void print_table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i] + (i + 1 < row.size() ? std::string(widths[i] - row[i].size() + 2, ' ') : "");
    }
    std::printf("%s\n", line.c_str());
  }
}

const Preset* find_preset(const std::string& name) {
  const auto found = std::ranges::find(presets(), name, &Preset::name);
  return found == presets().end() ? nullptr : &*found;
}

/// The hub names for a name on the command line: a preset's model and LoRA, or the name itself.
std::vector<std::string> hub_names(const std::string& name) {
  const Preset* const preset = find_preset(name);
  if (preset == nullptr) {
    return {name};
  }
  std::vector<std::string> names;
  for (const std::string_view part : {preset->model, preset->lora}) {
    if (!part.empty()) {
      names.emplace_back(part);
    }
  }
  return names;
}

std::string settings_of(const Preset& preset) {
  std::string text;
  for (const auto& [option, value] : preset.options) {
    text += (text.empty() ? "--" : " --") + std::string(option) + " " + std::string(value);
  }
  return text;
}

bool is_downloaded(const Preset& preset, const HubOptions& hub) {
  return std::ranges::all_of(hub_names(std::string(preset.name)),
                             [&](const std::string& name) { return find_in_cache(name, hub).has_value(); });
}

void print_presets(const HubOptions& hub) {
  for (const Preset& preset : presets()) {
    std::printf("%s%s: %s\n", std::string(preset.name).c_str(), is_downloaded(preset, hub) ? " (here)" : "",
                std::string(preset.about).c_str());
    std::printf("  %s; licence: %s\n  %s\n", std::string(preset.size).c_str(),
                std::string(preset.licence).c_str(), settings_of(preset).c_str());
  }
}

int list(const ModelsOptions&) {
  const HubOptions hub = HubOptions::from_environment();
  std::printf("Presets (--preset NAME):\n\n");
  print_presets(hub);
  const std::vector<CachedModel> cached = cached_models(hub);
  std::printf("\nIn the cache (%s):\n", hub.cache.c_str());
  if (cached.empty()) {
    std::printf("  nothing yet; streamdiffusion models pull NAME downloads a model\n");
    return 0;
  }
  std::vector<Row> rows;
  for (const CachedModel& model : cached) {
    std::string revisions;
    for (const std::string& revision : model.revisions) {
      revisions += (revisions.empty() ? "" : ", ") + revision;
    }
    rows.push_back({"  " + model.name, size_text(model.bytes),
                    model.interrupted ? "interrupted; models pull goes on" : revisions});
  }
  print_table(rows);
  return 0;
}

int pull(const ModelsOptions& options) {
  const Console console(options.quiet);
  for (const std::string& name : options.names) {
    const std::vector<std::string> parts = hub_names(name);
    if (parts.empty()) {
      console.info(name + ": comes with the program, there is nothing to download");
    }
    for (const std::string& part : parts) {
      HubSession session(console);
      const fs::path path = session.run([&](const HubOptions& hub) { return fetch_repository(part, hub); });
      std::printf("%s\n", path.c_str());
    }
  }
  return 0;
}

void print_files(const fs::path& path) {
  std::error_code error;
  std::vector<Row> rows;
  if (fs::is_regular_file(path, error)) {
    rows.push_back(
        {"  " + path.filename().string(), size_text(static_cast<std::int64_t>(fs::file_size(path)))});
  }
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) {
      rows.push_back({"  " + entry.path().lexically_relative(path).string(),
                      size_text(static_cast<std::int64_t>(entry.file_size()))});
    }
  }
  std::ranges::sort(rows);
  print_table(rows);
}

void print_preset(const Preset& preset) {
  std::printf("preset %s: %s\n", std::string(preset.name).c_str(), std::string(preset.about).c_str());
  print_table({{"  licence", std::string(preset.licence)},
               {"  download", std::string(preset.size)},
               {"  model", preset.model.empty() ? "the default" : std::string(preset.model)},
               {"  LoRA", preset.lora.empty() ? "none" : std::string(preset.lora)},
               {"  settings", settings_of(preset)}});
}

/// Prints the metadata that the maker of a LoRA or checkpoint stored in its file.
void print_metadata(const fs::path& path) {
  std::error_code error;
  if (path.extension() != ".safetensors" || !fs::is_regular_file(path, error)) {
    return;
  }
  const auto file = SafeTensors::open(path);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file->tensors()) {
    names.push_back(name);
  }
  std::vector<Row> rows;
  for (const auto& [label, text] : read_lora_metadata(file->metadata(), names).lines()) {
    rows.push_back({"  " + label, text});
  }
  print_table(rows);
}

/// Throws Error for a file that holds no tensors and no pipeline.
void check_is_model(const fs::path& path) {
  std::error_code error;
  const bool is_known = path.extension() == ".safetensors" || path.extension() == ".dduf";
  if (is_known || !fs::is_regular_file(path, error)) return;
  throw Error(path.string() +
              " is not a model: a model is a folder or a file ending in .safetensors or .dduf");
}

int info(const ModelsOptions& options) {
  const HubOptions hub = HubOptions::from_environment();
  for (const std::string& name : options.names) {
    if (const Preset* const preset = find_preset(name)) {
      print_preset(*preset);
    }
    for (const std::string& part : hub_names(name)) {
      std::error_code error;
      const bool path = fs::exists(part, error);
      const auto found = path ? std::optional(fs::path(part)) : find_in_cache(part, hub);
      if (!found) {
        std::printf("%s: not in the cache (%s); models pull downloads it\n", part.c_str(), hub.cache.c_str());
        continue;
      }
      check_is_model(*found);
      std::printf("%s: %s\n", part.c_str(), found->c_str());
      print_files(*found);
      print_metadata(*found);
    }
  }
  return 0;
}

int remove(const ModelsOptions& options) {
  const HubOptions hub = HubOptions::from_environment();
  const Console console(options.quiet);
  for (const std::string& name : options.names) {
    console.info(name + ": removed, " + size_text(remove_cached_model(name, hub)) + " are free again");
  }
  return 0;
}

/// Adds a subcommand of `models` that calls `run`. `what` describes its names; empty: it takes none.
void add(CLI::App& models, const std::string& name, const std::string& text, const std::string& what,
         std::vector<Command>& commands, int (*run)(const ModelsOptions&)) {
  const auto options = std::make_shared<ModelsOptions>();
  CLI::App* const app = models.add_subcommand(name, text);
  if (!what.empty()) {
    app->add_option("NAME", options->names, what)->type_name("NAME")->required();
    app->add_flag("--quiet", options->quiet, "print errors only");
  }
  commands.push_back({app, [options, run] { return run(*options); }});
}

}  // namespace

Command add_models(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("models", "Download models from the hub, list and remove them");
  app->require_subcommand(1);
  std::vector<Command> commands;
  add(*app, "list", "Show the models that suit streams, and those that are in the cache", "", commands,
      &list);
  add(*app, "pull", "Download models; what is there already is left as it is",
      "OWNER/NAME[/FILE.safetensors][@REVISION], or a preset's name", commands, &pull);
  add(*app, "info", "Show what models consist of and where they lie",
      "a model's name on the hub, a preset's name, or a path", commands, &info);
  add(*app, "remove", "Delete models from the cache", "OWNER/NAME", commands, &remove);
  app->footer(
      "The cache is the one that Python's huggingface_hub uses (HF_HOME, HF_HUB_CACHE).\n\n"
      "Examples:\n"
      "  streamdiffusion models list\n"
      "  streamdiffusion models pull stabilityai/sd-turbo\n"
      "  streamdiffusion run in.mp4 out.mp4 --preset sd-turbo --prompt \"watercolour of a village\"");
  return {app, [commands] {
            const auto chosen =
                std::ranges::find_if(commands, [](const Command& command) { return command.app->parsed(); });
            return chosen->run();
          }};
}

}  // namespace streamdiffusion::cli
