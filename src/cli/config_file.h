#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <set>

namespace streamdiffusion::cli {

/// Sets the options of `app` that the command line has not given from a JSON object whose keys are the
/// options' names
/// ("t-index-list": [32, 45]). Throws Error, naming file and key, for what is malformed or unknown.
void apply_config(CLI::App& app, const std::filesystem::path& file);

/// Options that are given, and those that exclude one of them.
std::set<const CLI::Option*> settled_options(CLI::App& app);

}  // namespace streamdiffusion::cli
