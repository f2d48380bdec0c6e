#pragma once

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The settings of a stream that users can change before and while it runs: its parameters, and strength and
/// steps in place of a list of denoising steps. The table of settings (settings_table.h) has their names and
/// ranges. The initial values are the defaults of the command line and of the server's protocol.
struct Settings {
  /// Fields that make_parameters completes: `t_index_list`, if it is empty, and `similarity_filter.enabled`.
  /// A threshold of 1 turns the filter off.
  Parameters parameters = {
      .t_index_list = {}, .cfg_type = CfgType::self, .similarity_filter = {.threshold = 1.0F}};

  float strength = 0.5F;  ///< Start of denoising, as in t_index_list_for; 1 keeps nothing of the input.
  int steps = 2;          ///< Number of denoising steps, as in t_index_list_for.

  bool operator==(const Settings&) const = default;
};

/// Converts settings to a stream's parameters. Throws Error as t_index_list_for does.
Parameters make_parameters(const Settings& settings);

/// True if the negative prompt has an effect: with guidance of type full or initialize.
bool uses_negative_prompt(const Settings& settings);

/// True if `delta` has an effect: with guidance of type self or initialize.
bool uses_delta(const Settings& settings);

}  // namespace streamdiffusion
