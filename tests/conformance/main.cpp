// Computes reference cases and compares the results (see FORMAT.md):
//   conformance [--device cpu|cuda|vulkan] [--precision f32|f16|bf16] CASE...

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <vector>

#include "comparison.h"
#include "kinds.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::conformance {

namespace {

struct Counts {
  int passed = 0;
  int failed = 0;
};

void check_output(const Case& c, const Outputs& outputs, const std::string& name, double limit,
                  Counts& counts) {
  const auto ours = outputs.find(name);
  if (ours == outputs.end()) {
    throw Error(name + " did not come out");
  }
  const Comparison comparison = compare(ours->second, c.tensor(name), c.kind() == "stream", limit);
  std::printf("%s %s error %.3g limit %.3g %s\n", c.name().c_str(), name.c_str(), comparison.error,
              comparison.limit, comparison.ok() ? "ok" : "FAIL");
  ++(comparison.ok() ? counts.passed : counts.failed);
}

/// The type of activations with these options.
DType computed_type(const RunOptions& options) {
  if (options.device == "cpu") {
    return DType::f32;
  }
  return options.precision == "f32" ? DType::f32 : options.precision == "bf16" ? DType::bf16 : DType::f16;
}

void check_case(const std::filesystem::path& folder, const RunOptions& options, Counts& counts) {
  try {
    const Case c(folder);
    const std::vector<std::string> names = c.outputs();
    if (names.empty()) {
      throw Error("the case has no outputs to compare with");
    }
    const Outputs outputs = run_case(c, options);
    const double limit = limit_of(computed_type(options));
    for (const std::string& name : names) {
      check_output(c, outputs, name, limit, counts);
    }
  } catch (const std::exception& error) {
    std::printf("%s FAIL: %s\n", folder.string().c_str(), error.what());
    ++counts.failed;
  }
}

int run(int argc, char** argv) {
  CLI::App app("Computes reference cases and compares the results with what the Python reference gave.");
  RunOptions options;
  std::vector<std::filesystem::path> cases;
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  app.add_option("--precision", options.precision, "f32; int8 on the CPU, f16 and bf16 on GPUs")
      ->capture_default_str();
  app.add_option("CASE", cases, "folders with case.json and tensors.safetensors")->required();
  CLI11_PARSE(app, argc, argv);

  Counts counts;
  for (const std::filesystem::path& folder : cases) {
    check_case(folder, options, counts);
    std::fflush(stdout);
  }
  std::printf("%d passed, %d failed\n", counts.passed, counts.failed);
  return counts.failed == 0 && counts.passed > 0 ? 0 : 1;
}

}  // namespace

}  // namespace streamdiffusion::conformance

int main(int argc, char** argv) {
  try {
    return streamdiffusion::conformance::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "conformance: error: %s\n", error.what());
    return 1;
  }
}
