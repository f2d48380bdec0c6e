#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace streamdiffusion {

/// Classifier-free guidance, by the names of the original StreamDiffusion.
enum class CfgType {
  none,  ///< the prompt alone: one UNet row for each denoising step
  full,  ///< a negative row for each row: twice the rows
  self,  ///< Residual CFG, Self-Negative: the residual noise stands for the negative prediction; no extra row
  initialize,  ///< Residual CFG, Onetime-Negative: one negative row, at the first denoising step
};

/// "none", "full", "self" or "initialize"; throws Error for another name.
CfgType parse_cfg_type(const std::string& name);
const char* to_string(CfgType type);

/// Stochastic Similarity Filter (paper, section 3.5): a frame is skipped, and the last result shown again,
/// with probability max(0, (S - threshold) / (1 - threshold)), S the cosine similarity to the last processed
/// frame.
struct SimilarityFilterParameters {
  bool enabled = false;
  float threshold = 0.98F;  ///< 0 .. 1; at 1 nothing is ever skipped
  int max_skip_frame = 10;  ///< after more skips than this in a row one frame passes; at least 0
  bool let_batch_finish =
      true;  ///< after a processed frame the next n - 1 (n denoising steps) are not skipped

  bool operator==(const SimilarityFilterParameters&) const = default;
};

/// The scale of one of the LoRAs that the model was loaded with.
struct LoraScale {
  std::string name;  ///< as in LoraOptions
  float scale = 1.0F;

  bool operator==(const LoraScale&) const = default;
};

/// One of several prompts that are blended into one.
struct WeightedPrompt {
  std::string text;
  float weight = 1.0F;  ///< its share, among the sum of all; at least 0

  bool operator==(const WeightedPrompt&) const = default;
};

/// One of several seeds whose noise is blended.
struct WeightedSeed {
  std::uint64_t seed = 0;
  float weight = 1.0F;  ///< as of WeightedPrompt

  bool operator==(const WeightedSeed&) const = default;
};

/// How what the text encoder makes of prompts is blended.
enum class Blend {
  linear,
  slerp,  ///< on the sphere, token by token; more than two one after the other
};

/// "linear" or "slerp"; throws Error for another name.
Blend parse_blend(const std::string& name);
const char* to_string(Blend blend);

/// What may change between any two frames of a stream.
struct Parameters {
  std::string prompt = {};
  std::vector<WeightedPrompt> prompts = {};  ///< where not empty they stand in place of `prompt`
  Blend prompt_blend = Blend::linear;
  std::string negative_prompt = {};

  /// Seconds over which a new prompt takes over from the one before, blended as `prompt_blend` says. Goes by
  /// the times of the frames that are stepped: a stream that has stepped none, and text to image, change at
  /// once, as LoRAs and negative prompts do.
  float prompt_transition = 0.0F;

  /// The denoising steps: indices into the schedule's `num_inference_steps` timesteps, strictly increasing,
  /// each 0 .. num_inference_steps - 1. Index 0 is the noisiest.
  std::vector<int> t_index_list = {32, 45};
  int num_inference_steps = 50;  ///< 1 .. the scheduler's original_inference_steps

  CfgType cfg_type = CfgType::none;
  float guidance_scale = 1.0F;  ///< at most 1 turns guidance off
  float delta = 1.0F;           ///< strength of the residual noise in `self` and `initialize`
  bool do_add_noise = true;     ///< noise between the denoising steps

  /// For an LCM with `time_cond_proj_dim`: the guidance that it was distilled with and is told to imitate
  /// (diffusers gives its guidance_scale - 1). None: nothing is told.
  std::optional<float> guidance_embedding = {};

  std::uint64_t seed = 2;  ///< draws the stream's fixed noise as PyTorch's CPU generator does
  /// Where not empty they stand in place of `seed`; blended on the sphere.
  std::vector<WeightedSeed> seeds = {};
  float seed_transition = 0.0F;  ///< as prompt_transition, for the noise of new seeds

  /// Self-attention of each row looks at all rows of the denoising batch (paper, section 3.2).
  bool cross_frame_attention = false;

  SimilarityFilterParameters similarity_filter;

  /// LoRAs not named here keep the scale that the model was loaded with.
  std::vector<LoraScale> lora_scales = {};

  bool operator==(const Parameters&) const = default;
};

/// The same with seeds higher by `variation`: what Stream::pictures draws it with.
Parameters variation_of(Parameters parameters, std::uint32_t variation);

/// Indices for `steps` denoising steps that start at `strength` (0 < strength <= 1; 1 is pure noise) of a
/// schedule of `num_inference_steps`, evenly spread: what `--strength` and `--steps` mean. Throws Error when
/// out of range or when there are fewer timesteps below `strength` than steps.
std::vector<int> t_index_list_for(float strength, int steps, int num_inference_steps = 50);

}  // namespace streamdiffusion
