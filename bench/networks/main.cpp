// Times the networks of a model and the whole step of a stream. Prints one JSON line for each.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "networks/measurements.h"
#include "streamdiffusion/version.h"

namespace {

using streamdiffusion::Measurements;
using streamdiffusion::Workload;

struct Arguments {
  Workload workload;
  std::vector<std::string> names = streamdiffusion::measurement_names();
  double seconds = 3;
  bool on_request = false;
};

class Report {
 public:
  explicit Report(const Workload& workload) : workload_(workload), counting_(counting(workload)) {}

  void print(const std::string& name, double seconds) {
    const double gflop = counting_.gflop(name);
    write({{"measurement", name},
           {"width", workload_.width},
           {"height", workload_.height},
           {"rows", workload_.rows},
           {"seconds", seconds},
           {"gflop", gflop},
           {"gflop_per_second", gflop / seconds}});
  }

  static void write(const nlohmann::ordered_json& line) { std::cout << line.dump() << std::endl; }

 private:
  static Workload counting(Workload workload) {
    workload.device = "counting";
    return workload;
  }

  Workload workload_;
  Measurements counting_;
};

/// The median time of as many runs as fit into `limit` seconds, at least one.
double median_seconds(Measurements& measurements, const std::string& name, double limit) {
  std::vector<double> seconds;
  double sum = 0;
  while (seconds.empty() || sum < limit) {
    seconds.push_back(measurements.run(name));
    sum += seconds.back();
  }
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::nth_element(seconds.begin(), middle, seconds.end());
  return *middle;
}

void run(const Arguments& arguments) {
  Report report(arguments.workload);
  Measurements measurements(arguments.workload);
  Report::write({{"ready", "streamdiffusion.cpp " + streamdiffusion::version()},
                 {"load_seconds", measurements.load_seconds()}});
  if (arguments.on_request) {
    for (std::string name; std::getline(std::cin, name);) {
      report.print(name, median_seconds(measurements, name, arguments.seconds));
    }
    return;
  }
  for (const std::string& name : arguments.names) {
    measurements.run(name);  // Warms up.
    report.print(name, median_seconds(measurements, name, arguments.seconds));
  }
}

void add_options(CLI::App& app, Arguments& arguments) {
  Workload& workload = arguments.workload;
  app.add_option("model", workload.model, "A diffusers folder")->required();
  app.add_option("--vae", workload.vae, "An autoencoder's folder in place of the model's own");
  app.add_option("--width", workload.width, "Width of the image in pixels")->capture_default_str();
  app.add_option("--height", workload.height, "Height of the image in pixels")->capture_default_str();
  app.add_option("--rows", workload.rows, "Rows of a UNet call, denoising steps of the stream")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", workload.threads, "0: one for each processor")->capture_default_str();
  app.add_option("--device", workload.device, "cpu, cpu:avx2, cpu:avx512, cpu:avx512_vnni or cuda[:N]")
      ->capture_default_str();
  app.add_option("--precision", workload.precision, "f32, bf16 or int8; on a GPU f16, bf16 or f32")
      ->capture_default_str();
  app.add_option("--only", arguments.names, "Which to measure")->capture_default_str();
  app.add_option("--seconds", arguments.seconds, "Time for each measurement")->capture_default_str();
  app.add_flag("--on-request", arguments.on_request,
               "Each line of standard input names a measurement to be taken");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Arguments arguments;
    CLI::App app(
        "Times the networks of a model and the whole step of a stream; prints one JSON line for each.");
    add_options(app, arguments);
    CLI11_PARSE(app, argc, argv);
    run(arguments);
  } catch (const std::exception& error) {
    std::cerr << "bench_networks: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
