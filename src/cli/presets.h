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
  /// Value of --model: a Hugging Face repository, or a file in one. If empty, --model is left unchanged.
  std::string_view model;
  std::string_view lora;  ///< Value of --lora; empty: none.
  std::string_view size;  ///< Text that describes the download's size without TAESD, such as "2.6 GB".
  std::string_view licence;
  std::string_view about;
  /// Option names, without the leading "--", and values. `strength` is not applied to txt2img.
  std::vector<std::pair<std::string_view, std::string_view>> options;
};

/// All presets.
std::span<const Preset> presets();

/// Sets the preset's model and options. An option that the user has given (on the command line or in the
/// --config file), or that excludes a given one, keeps its value. Options that the command lacks are skipped.
/// Throws UsageError if no preset has that name.
void apply_preset(CLI::App& app, const std::string& name);

}  // namespace streamdiffusion::cli
