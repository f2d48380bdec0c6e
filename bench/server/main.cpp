// Measures the server's overhead, latency, fairness between sessions and robustness. Prints one JSON object.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "server/abuse.h"
#include "server/measurements.h"
#include "server/server_process.h"
#include "server/soak.h"

namespace {

using namespace streamdiffusion;
using namespace streamdiffusion::bench;
using Json = nlohmann::json;

struct Arguments {
  std::string program;
  std::string model;
  std::vector<std::string> measurements = {"cost", "latency", "sessions", "abuse"};
  int rounds = 5;
  double seconds = 3;
  double abuse_seconds = 300;
  std::vector<std::string> serve_options;
  SoakOptions soak{.changes = soak_changes()};
};

const std::vector<std::string> kMeasurements = {"cost", "latency", "sessions", "abuse", "soak"};

const std::vector<Shape> kShapes = {{.size = 128, .steps = 1},
                                    {.size = 128, .steps = 2},
                                    {.size = 256, .steps = 1},
                                    {.size = 256, .steps = 2},
                                    {.size = 512, .steps = 1}};
const std::vector<Shape> kOneStep = {
    {.size = 128, .steps = 1}, {.size = 256, .steps = 1}, {.size = 512, .steps = 1}};

std::vector<Shape> mixed_shapes() {
  std::vector<Shape> shapes;
  for (const Shape& shape : {Shape{.size = 128, .steps = 1}, Shape{.size = 256, .steps = 1},
                             Shape{.size = 256, .steps = 2}, Shape{.size = 320, .steps = 1}}) {
    shapes.insert(shapes.end(), 2, shape);
  }
  return shapes;
}

Json measure_all_sessions(int port, double seconds) {
  constexpr int kSessions = 8;
  Json results = Json::array();
  for (const int size : {128, 256, 320}) {
    results.push_back(
        measure_sessions(port, std::vector<Shape>(kSessions, Shape{.size = size, .steps = 1}), seconds));
  }
  results.push_back(measure_sessions(port, mixed_shapes(), seconds));
  return results;
}

Json measure(const std::string& name, const Arguments& arguments) {
  std::vector<std::string> options = {"--model", arguments.model};
  options.insert(options.end(), arguments.serve_options.begin(), arguments.serve_options.end());
  const ServerProcess server(arguments.program, options);
  if (name == "abuse") {
    return measure_abuse(server, arguments.abuse_seconds);
  }
  if (name == "soak") {
    return measure_soak(server, arguments.soak);
  }
  if (name == "sessions") {
    return measure_all_sessions(server.port(), arguments.seconds * 2);
  }
  const std::shared_ptr<Model> model = Model::load({.path = arguments.model});
  return name == "cost" ? measure_cost(server.port(), model, kShapes, arguments.rounds, arguments.seconds)
                        : measure_latency(server.port(), model, kOneStep, arguments.seconds);
}

void add_soak_options(CLI::App& app, SoakOptions& soak) {
  app.add_option("--soak-seconds", soak.seconds, "of changing settings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--soak-warm-up", soak.warm_up, "seconds after which memory has to be level")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--soak-clients", soak.clients, "that change settings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--soak-fps", soak.frames_per_second, "frames a second of each client")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--soak-changes", soak.changes, "what the clients change")
      ->check(CLI::IsMember(soak_changes()))
      ->delimiter(',')
      ->capture_default_str();
}

/// False if a measurement found the server out of its bounds.
bool is_within_bounds(const Json& results) {
  return !results.contains("soak") || results["soak"]["is_level"].get<bool>();
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  CLI::App app("Measures streamdiffusion serve");
  app.add_option("MODEL", arguments.model, "a model folder: models/default")->required();
  app.add_option("--program", arguments.program,
                 "the program whose server is measured: build/streamdiffusion")
      ->required();
  app.add_option("--measure", arguments.measurements,
                 "some of them; soak takes an hour and runs where it is named alone")
      ->check(CLI::IsMember(kMeasurements))
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--rounds", arguments.rounds, "of cost")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "of each run")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--abuse-seconds", arguments.abuse_seconds, "of the bad clients")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--serve-option", arguments.serve_options,
                 "a further option of serve, as --serve-option=--precision=int8");
  add_soak_options(app, arguments.soak);
  CLI11_PARSE(app, count, values);
  try {
    Json results = Json::object();
    for (const std::string& name : arguments.measurements) {
      results[name] = measure(name, arguments);
    }
    std::cout << results.dump(2) << std::endl;
    if (!is_within_bounds(results)) {
      std::cerr << "bench_server: the server's memory grew by more than 3% after the warm-up\n";
      return 1;
    }
  } catch (const std::exception& error) {
    std::cerr << "bench_server: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
