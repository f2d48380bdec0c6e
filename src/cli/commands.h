#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace streamdiffusion::cli {

/// A command of the program. `app` holds its options. `run`, called after they are parsed, returns the exit
/// status.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

// Each function adds one command and is defined in a file of its own.
Command add_txt2img(CLI::App& program);
Command add_img2img(CLI::App& program);
Command add_run(CLI::App& program);
Command add_serve(CLI::App& program);
Command add_models(CLI::App& program);
Command add_devices(CLI::App& program);
Command add_bench(CLI::App& program);

}  // namespace streamdiffusion::cli
