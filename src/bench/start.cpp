#include <algorithm>
#include <string>

#include "bench/parts.h"
#include "posix/child.h"
#include "posix/machine.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::bench {

namespace {

/// Starts the program repeatedly with the same arguments, and keeps its peak memory.
class Starts {
 public:
  Starts(const Workbench& bench, std::vector<std::string> arguments)
      : program_(bench.program), arguments_(std::move(arguments)) {}

  double run() {
    const posix::ChildRun child = posix::run_child(program_, arguments_);
    if (child.status != 0) {
      throw Error(program_.string() + " " + arguments_.front() + " ended with status " +
                  std::to_string(child.status) + "; what it said is above");
    }
    peak_ = std::max(peak_, child.peak_resident);
    return child.seconds_to_output;
  }

  [[nodiscard]] double peak_megabytes() const { return static_cast<double>(peak_) * 1e-6; }

 private:
  std::filesystem::path program_;
  std::vector<std::string> arguments_;
  std::size_t peak_ = 0;
};

std::vector<std::string> make_txt2img_arguments(const Workbench& bench) {
  std::vector<std::string> arguments = {"txt2img",
                                        "red apple",
                                        "--steps",
                                        "1",
                                        "--output",
                                        "-",
                                        "--cfg-type",
                                        "none",
                                        "--quiet",
                                        "--width",
                                        std::to_string(bench.width),
                                        "--height",
                                        std::to_string(bench.height)};
  arguments.insert(arguments.end(), bench.program_options.begin(), bench.program_options.end());
  return arguments;
}

}  // namespace

Table measure_start(const Workbench& bench) {
  Starts nothing(bench, {"--version"});
  Starts image(bench, make_txt2img_arguments(bench));
  const std::vector<Spread> times =
      take_turns({[&nothing] { return nothing.run(); }, [&image] { return image.run(); }}, bench.seconds);
  Table table{
      .name = "start",
      .title = "Start: from the start of the process to its first output, and peak resident memory",
      .columns = {{"what", "what"}, {"milliseconds", "ms (quartiles)"}, {"peak_megabytes", "peak MB", 0}},
      .rows = {},
      .notes = {
          "The model's files are in the system's cache: the first start after the machine's is slower."}};
  table.rows.push_back({{"what", "the program alone (--version)"},
                        {"milliseconds", to_json(times[0], 1e3)},
                        {"peak_megabytes", nothing.peak_megabytes()}});
  table.rows.push_back({{"what", "model loaded, an image generated in one step and written as PNG"},
                        {"milliseconds", to_json(times[1], 1e3)},
                        {"peak_megabytes", image.peak_megabytes()}});
  return table;
}

}  // namespace streamdiffusion::bench
