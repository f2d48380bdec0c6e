#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/parts.h"
#include "bench/table.h"
#include "bench/workbench.h"
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/option_helpers.h"
#include "cli/settings.h"
#include "cli/status_line.h"
#include "posix/executable.h"
#include "posix/machine.h"
#include "streamdiffusion/version.h"

namespace streamdiffusion::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions : CommonOptions {
  std::vector<std::string> parts;  ///< Names of the parts to measure; empty: all.
  double seconds = 1;
  bool json = false;
};

std::vector<std::string> part_names() {
  std::vector<std::string> names;
  std::ranges::transform(bench::parts(), std::back_inserter(names), &bench::Part::name);
  return names;
}

/// The model's options as command-line arguments, for the part that starts the program.
std::vector<std::string> program_options(const ModelOptions& model) {
  std::vector<std::string> options = {"--model",
                                      model.path.string(),
                                      "--vae",
                                      model.vae ? model.vae->string() : "full",
                                      "--device",
                                      model.device,
                                      "--precision",
                                      model.precision,
                                      "--threads",
                                      std::to_string(model.threads),
                                      "--clip-skip",
                                      std::to_string(model.clip_skip),
                                      "--prediction-type",
                                      model.prediction_type};
  for (const LoraOptions& lora : model.loras) {
    options.insert(options.end(), {"--lora", lora.file.string() + ":" + std::to_string(lora.scale)});
  }
  return options;
}

std::string todays_date() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  char text[16];
  return std::strftime(text, sizeof text, "%Y-%m-%d", localtime_r(&now, &local)) > 0 ? text : "";
}

/// Describes the machine, model and size for which the figures hold.
Json describe(const bench::Workbench& bench) {
  const ModelInfo& model = bench.model->info();
  const int threads = bench.model_options.threads;
  return {{"version", version()},
          {"date", todays_date()},
          {"processor", posix::processor_name()},
          {"processors", posix::processor_count()},
          {"memory_gib", static_cast<double>(posix::total_memory()) / (1U << 30U)},
          {"device", model.device},
          {"instruction_set", model.instruction_set},
          {"threads", threads > 0 ? threads : posix::processor_count()},
          {"model", model.name},
          {"precision", bench.model_options.precision},
          {"width", bench.width},
          {"height", bench.height},
          {"seconds", bench.seconds}};
}

std::string heading(const Json& about) {
  const auto text = [&about](const char* key) {
    const Json& value = about.at(key);
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  char memory[32];
  std::snprintf(memory, sizeof memory, "%.0f GiB", about.at("memory_gib").get<double>());
  return "streamdiffusion " + text("version") + ", " + text("date") + "\n" +  //
         "machine    " + text("processor") + ", " + text("processors") + " processors, " + memory + "\n" +
         "computes   " + text("device") + ", " + text("instruction_set") + ", threads " + text("threads") +
         "\n" +  //
         "model      " + text("model") + ", precision " + text("precision") + ", " + text("width") + "x" +
         text("height") + "\n";
}

void check_parts(const std::vector<std::string>& chosen) {
  const std::vector<std::string> known = part_names();
  for (const std::string& name : chosen) {
    if (std::ranges::find(known, name) == known.end()) {
      std::string all;
      for (const std::string& one : known) {
        all += (all.empty() ? "" : ", ") + one;
      }
      throw UsageError("\"" + name + "\" is not a part of the benchmark; there are " + all);
    }
  }
}

int measure(const BenchOptions& options) {
  check_parts(options.parts);
  const Console console(options.quiet);
  bench::Workbench bench{.model_options = find_model(options, console), .seconds = options.seconds};
  bench.model = Model::load(bench.model_options);
  bench.model_options.notes.clear();  // Parts load the model again; its notes are shown only once.
  const Size size = choose_size(options, bench.model->info(), std::nullopt);
  bench.width = size.width;
  bench.height = size.height;
  bench.program = posix::executable_path();
  bench.program_options = program_options(bench.model_options);

  Json json = {{"about", describe(bench)}, {"parts", Json::object()}};
  if (!options.json) {
    std::printf("%s", heading(json["about"]).c_str());
  }
  StatusLine line(options.quiet);
  for (const bench::Part& part : bench::parts()) {
    if (!options.parts.empty() && std::ranges::find(options.parts, part.name) == options.parts.end()) {
      continue;
    }
    line.show(-1, "measuring " + part.name + ": " + part.about);
    const bench::Table table = part.measure(bench);
    line.clear();
    if (options.json) {
      json["parts"][table.name] = bench::to_json(table);
    } else {
      std::printf("\n%s", bench::to_text(table).c_str());
      std::fflush(stdout);
    }
  }
  if (options.json) {
    std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  }
  return 0;
}

std::string about_parts() {
  std::string text = "Parts:\n";
  for (const bench::Part& part : bench::parts()) {
    text += "  " + part.name + std::string(15 - part.name.size(), ' ') + part.about + "\n";
  }
  return text;
}

}  // namespace

Command add_bench(CLI::App& program) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* const app = program.add_subcommand("bench", "Measure what this machine reaches");
  add_option(*app, "PART", options->parts, "PART", "parts to measure")->default_str("all");
  app->option_defaults()->take_last();
  add_option(*app, "--seconds", options->seconds, "S",
             "time for each measurement, which is repeated a few times even if it takes longer")
      ->check(in_range(0.0, 3600.0));
  app->add_flag("--json", options->json, "print JSON");
  add_size_options(*app, *options);
  add_model_options(*app, *options);
  add_machine_options(*app, *options);
  add_other_options(*app, *options);
  app->footer(about_parts() +
              "\nVariants take turns; what is shown is the median, with the quartiles.\n\n"
              "Examples:\n"
              "  streamdiffusion bench\n"
              "  streamdiffusion bench steps guidance --seconds 5 --json > bench.json\n"
              "  streamdiffusion bench steps --model path/to/sd-turbo --precision int8");
  return {app, [options] { return measure(*options); }};
}

}  // namespace streamdiffusion::cli
