#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/parameters.h"

namespace streamdiffusion {

/// What people set of a stream before and while it runs, in the words that the command line, the server's
/// protocol and a watched file share. Its values are the defaults of all three.
struct Settings {
  std::string prompt;
  std::vector<WeightedPrompt> prompts;  ///< where not empty they stand in place of prompt
  Blend prompt_blend = Blend::linear;
  float prompt_transition = 0.0F;  ///< seconds
  std::string negative_prompt;

  float strength = 0.7F;  ///< 0 < strength <= 1: how far the input is noised; 1 keeps nothing of it
  int steps = 2;
  std::vector<int> t_index_list;  ///< where not empty it stands in place of strength and steps
  int num_inference_steps = 50;
  bool do_add_noise = true;

  CfgType cfg_type = CfgType::self;
  float guidance_scale = 1.0F;
  float delta = 1.0F;
  std::optional<float> guidance_embedding;

  std::uint64_t seed = 2;
  std::vector<WeightedSeed> seeds;  ///< where not empty they stand in place of seed
  float seed_transition = 0.0F;     ///< seconds
  bool cross_frame_attention = false;
  float similarity_threshold = 1.0F;  ///< 1: no filter
  int max_skip_frame = 10;
  std::vector<LoraScale> loras;  ///< of the LoRAs that the model was loaded with

  bool operator==(const Settings&) const = default;
};

/// What they ask of the stream. Throws Error where strength and steps do not go together.
Parameters make_parameters(const Settings& settings);

}  // namespace streamdiffusion
