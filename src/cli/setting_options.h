#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "settings/setting.h"

namespace streamdiffusion::cli {

/// Adds an option for each setting of a group that takes one value. The other settings are lists or may be
/// given several times; their options are added by hand. `settings` holds the defaults, receives the values
/// and must outlive `app`.
void add_setting_options(CLI::App& app, SettingGroup group, Settings& settings);

/// Returns the name of a setting's option without its dashes: "no-added-noise" for do_add_noise. LoRAs have
/// none, because --lora also names a file.
std::string option_name(const Setting& setting);

/// Returns the help of a setting in the table.
std::string help_of(std::string_view setting);

}  // namespace streamdiffusion::cli
