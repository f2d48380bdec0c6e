#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <set>

namespace streamdiffusion::cli {

/// Sets the options of `app` that the command line has not given. `file` holds a JSON object whose keys are
/// the options' names, such as {"t-index-list": [32, 45]}. Throws Error, which names file and key, if
/// something is malformed or unknown.
void apply_config(CLI::App& app, const std::filesystem::path& file);

/// The options that are given, and those that a given option excludes. Files and presets must not set them.
std::set<const CLI::Option*> fixed_options(CLI::App& app);

}  // namespace streamdiffusion::cli
