#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace streamdiffusion::cli {

/// A model that works well for streams, with recommended settings.
struct Preset {
  std::string_view name;
  std::string_view model;  ///< Name on the hub; empty: the default model.
  std::string_view lora;   ///< Value of --lora; empty: none.
  std::string_view size;   ///< Size of the download as text.
  std::string_view licence;
  std::string_view about;
  /// Names of options, without dashes, and their values. txt2img ignores `strength`.
  std::vector<std::pair<std::string_view, std::string_view>> options;
};

/// All presets.
std::span<const Preset> presets();

/// Sets the preset's model and options unless the command line or the options file has given them. Throws
/// UsageError if there is no preset of that name.
void apply_preset(CLI::App& app, const std::string& name);

}  // namespace streamdiffusion::cli
