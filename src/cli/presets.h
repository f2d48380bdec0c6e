#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace streamdiffusion::cli {

/// A model that is known to suit streams, with the settings that suit it.
struct Preset {
  std::string_view name;
  std::string_view model;  ///< on the hub; empty: the default model
  std::string_view lora;   ///< as --lora takes it; empty: none
  std::string_view size;   ///< of the download, as far as it is known
  std::string_view licence;
  std::string_view about;
  /// Names of options without dashes, with their values. `strength` is left out where nothing is redrawn.
  std::vector<std::pair<std::string_view, std::string_view>> options;
};

/// All of them.
std::span<const Preset> presets();

/// Sets the preset's model and options where neither the command line nor the options file has given them.
/// Throws UsageError for a name that is none.
void apply_preset(CLI::App& app, const std::string& name);

}  // namespace streamdiffusion::cli
