#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/settings.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::cli {

/// The command line is wrong as it stands: exit status 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// What every command takes, as the user gave it. The values here are the defaults that --help shows.
struct CommonOptions {
  std::vector<std::string> prompts;  ///< of several each as TEXT or TEXT:WEIGHT
  std::string prompt_blend = to_string(Settings{}.prompt_blend);
  float prompt_transition = Settings{}.prompt_transition;
  std::string negative_prompt;

  std::string preset;
  std::string model;                    ///< a path or a name on the hub; empty: the default model
  std::string vae;                      ///< likewise, or "full"; empty: TAESD where it suits
  std::vector<std::string> loras;       ///< likewise, with or without :SCALE
  std::string lora_folder;              ///< empty: prompts name no LoRAs
  std::vector<std::string> embeddings;  ///< FILE or FILE:TOKEN
  bool prompt_weights = false;
  int clip_skip = 0;
  std::string prediction_type = "auto";

  int width = 0;  ///< 0: not given
  int height = 0;
  std::string fit = "crop";

  std::vector<std::string> seeds = {"2"};  ///< of several each as N or N:WEIGHT; -1: draw one
  float seed_transition = Settings{}.seed_transition;
  float strength = Settings{}.strength;
  int steps = Settings{}.steps;
  int num_inference_steps = Settings{}.num_inference_steps;
  std::string t_index_list;  ///< empty: from strength and steps
  bool no_added_noise = false;

  std::string cfg_type = to_string(Settings{}.cfg_type);
  float guidance_scale = Settings{}.guidance_scale;
  float delta = Settings{}.delta;
  std::optional<float> guidance_embedding;

  int frame_buffer = 1;
  bool no_denoising_batch = false;
  bool cross_frame_attention = false;
  float similarity_threshold = Settings{}.similarity_threshold;
  int max_skip_frame = Settings{}.max_skip_frame;

  std::string device = "auto";
  std::string precision = "auto";
  int threads = 0;

  std::string config;
  bool quiet = false;
};

/// Adds the options to a command. `options` holds the defaults and must outlive `app`.
void add_common_options(CLI::App& app, CommonOptions& options);

/// Some of them, for commands that make nothing: of the model, of the machine, width and height, and what
/// belongs to the program itself.
void add_model_options(CLI::App& app, CommonOptions& options);
void add_machine_options(CLI::App& app, CommonOptions& options);
void add_size_options(CLI::App& app, CommonOptions& options);
void add_other_options(CLI::App& app, CommonOptions& options);

/// Adds the prompts, under that name, to a command.
void add_prompts(CLI::App& app, CommonOptions& options, const std::string& name);

/// Throws UsageError unless the option was given on the command line or in the JSON file.
void require(const CLI::App& app, const std::string& option, const std::string& what);

/// Whether the option was given.
bool given(const CLI::App& app, const std::string& option);

}  // namespace streamdiffusion::cli
