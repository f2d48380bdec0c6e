#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace streamdiffusion::cli {

/// A command: its options, which lie in `app`, and what it does once they are read. Gives the exit status.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

// One file each.
Command add_txt2img(CLI::App& program);
Command add_img2img(CLI::App& program);
Command add_run(CLI::App& program);
Command add_serve(CLI::App& program);
Command add_models(CLI::App& program);
Command add_devices(CLI::App& program);
Command add_bench(CLI::App& program);

}  // namespace streamdiffusion::cli
