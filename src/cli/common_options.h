#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "settings/settings.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {

/// The error of a wrong command line. The program ends with exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The options that commands share, as the user gave them. The initial values are the defaults in --help.
struct CommonOptions {
  std::vector<std::string> prompts;        ///< If several, each is TEXT or TEXT:WEIGHT.
  std::vector<std::string> seeds = {"2"};  ///< If several, each is N or N:WEIGHT. -1: a random seed.
  std::string t_index_list;                ///< Empty: computed from strength and steps.
  Settings settings;  ///< All settings but prompts, seeds, t_index_list and the scales of LoRAs.

  std::string preset;
  std::string model;               ///< Path or name on the hub; empty: the default model.
  std::string vae;                 ///< Path, name on the hub or "full"; empty: TAESD if it fits the model.
  std::vector<std::string> loras;  ///< Path or name on the hub, each with or without :SCALE.
  std::string lora_folder;         ///< Folder of LoRAs that prompts may name; empty: none.
  std::vector<std::string> embeddings;  ///< FILE or FILE:TOKEN.
  bool prompt_weights = false;
  int clip_skip = 0;
  std::string prediction_type = "auto";

  int width = 0;   ///< Pixels; 0: not given.
  int height = 0;  ///< Pixels; 0: not given.
  std::string fit = "crop";

  int frame_buffer = 1;
  bool no_denoising_batch = false;

  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;

  std::string config;
  bool quiet = false;
};

/// Adds all shared options except prompts to a command. `options` holds the defaults and must outlive `app`.
void add_common_options(CLI::App& app, CommonOptions& options);

/// These functions add single groups of the options, for commands that need only some.
void add_model_options(CLI::App& app, CommonOptions& options);
void add_machine_options(CLI::App& app, CommonOptions& options);
void add_size_options(CLI::App& app, CommonOptions& options);
void add_other_options(CLI::App& app, CommonOptions& options);

/// Adds the option for prompts, under `name`, to a command.
void add_prompts(CLI::App& app, CommonOptions& options, const std::string& name);

/// Throws UsageError ("`what` is missing") unless the option was given on the command line or in a JSON file.
void require(const CLI::App& app, const std::string& option, const std::string& what);

/// True if the option was given on the command line or in a JSON file.
bool is_given(const CLI::App& app, const std::string& option);

}  // namespace streamdiffusion::cli
