#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// The settings of a stream that users can change before and while it runs. The command line, the server's
/// protocol and a watched file share their names and these defaults. See Parameters for members that both
/// have.
struct Settings {
  std::string prompt;
  std::vector<WeightedPrompt> prompts;  ///< Unless empty, they replace `prompt`.
  Blend prompt_blend = Blend::linear;
  float prompt_transition = 0.0F;  ///< Seconds.
  std::string negative_prompt;

  float strength = 0.7F;  ///< Start of denoising, as in t_index_list_for; 1 keeps nothing of the input.
  int steps = 2;
  std::vector<int> t_index_list;  ///< Unless empty, it replaces `strength` and `steps`.
  int num_inference_steps = 50;
  bool do_add_noise = true;

  CfgType cfg_type = CfgType::self;
  float guidance_scale = 1.0F;
  float delta = 1.0F;
  std::optional<float> guidance_embedding;

  std::uint64_t seed = 2;
  std::vector<WeightedSeed> seeds;  ///< Unless empty, they replace `seed`.
  float seed_transition = 0.0F;     ///< Seconds.
  bool cross_frame_attention = false;
  float similarity_threshold = 1.0F;  ///< Threshold of the similarity filter; 1 turns the filter off.
  int max_skip_frame = 10;
  std::vector<LoraScale> loras;  ///< Scales of the LoRAs that the model was loaded with.

  bool operator==(const Settings&) const = default;
};

/// Converts settings to a stream's parameters. Throws Error as t_index_list_for does.
Parameters make_parameters(const Settings& settings);

/// True if the negative prompt has an effect: with guidance of type full or initialize.
bool uses_negative_prompt(const Settings& settings);

/// True if `delta` has an effect: with guidance of type self or initialize.
bool uses_delta(const Settings& settings);

}  // namespace streamdiffusion
