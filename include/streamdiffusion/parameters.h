#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "streamdiffusion/export.h"

namespace streamdiffusion {

/// The variants of classifier-free guidance, named as in the original StreamDiffusion.
enum class CfgType {
  none,  ///< No guidance: one UNet row for each denoising step.
  full,  ///< One negative row for each row, which doubles the rows.
  self,  ///< Residual CFG, Self-Negative: the residual noise replaces the negative prediction; no extra row.
  initialize,  ///< Residual CFG, Onetime-Negative: one negative row, at the first denoising step.
};

/// Parses "none", "full", "self" or "initialize"; throws Error for another name.
STREAMDIFFUSION_API CfgType parse_cfg_type(const std::string& name);
/// Returns the name that parse_cfg_type parses.
STREAMDIFFUSION_API const char* to_string(CfgType type);

/// Settings of the Stochastic Similarity Filter (paper, section 3.5), which skips frames that hardly changed.
///
/// A frame is skipped, and the last result shown again, with probability
/// max(0, (S - threshold) / (1 - threshold)). S is the cosine similarity to the last processed frame.
struct SimilarityFilterParameters {
  bool enabled = false;     ///< True: the filter is on.
  float threshold = 0.98F;  ///< 0 to 1; at 1 nothing is skipped.
  int max_skip_frame = 10;  ///< 0 to 1000000. After more skips in a row than this, one frame is processed.
  /// With n denoising steps, the n - 1 frames after a processed one are processed too, so that its result
  /// comes out.
  bool let_batch_finish = true;

  /// True if all fields are equal.
  bool operator==(const SimilarityFilterParameters&) const = default;
};

/// The scale of one of the LoRAs that the model has.
struct LoraScale {
  static constexpr float kLargest = 1000;  ///< Largest magnitude of a scale.

  std::string name;    ///< Name of the LoRA, as in LoraOptions.
  float scale = 1.0F;  ///< Factor on the LoRA's change of the weights: -kLargest to kLargest.

  /// True if all fields are equal.
  bool operator==(const LoraScale&) const = default;
};

/// One of several prompts that are blended into one.
struct WeightedPrompt {
  std::string text;     ///< The prompt.
  float weight = 1.0F;  ///< 0 to 1000. The prompt's share is its weight divided by the sum of all weights.

  /// True if all fields are equal.
  bool operator==(const WeightedPrompt&) const = default;
};

/// One of several seeds whose noise is blended.
struct WeightedSeed {
  std::uint64_t seed = 0;  ///< As Parameters::seed.
  float weight = 1.0F;     ///< 0 to 1000. The seed's share is its weight divided by the sum of all weights.

  /// True if all fields are equal.
  bool operator==(const WeightedSeed&) const = default;
};

/// How the embeddings of several prompts are blended.
enum class Blend {
  linear,  ///< Weighted mean.
  slerp,   ///< Spherical interpolation, token by token. More than two prompts are blended one after another.
};

/// Parses "linear" or "slerp"; throws Error for another name.
STREAMDIFFUSION_API Blend parse_blend(const std::string& name);
/// Returns the name that parse_blend parses.
STREAMDIFFUSION_API const char* to_string(Blend blend);

/// The parameters of a stream that may change between any two frames. A text has at most kLongestText bytes.
struct Parameters {
  static constexpr std::size_t kLongestText = 10000;  ///< In bytes; 77 tokens take about 400.

  std::string prompt = {};  ///< Prompt in UTF-8. Tokens beyond ModelInfo::prompt_tokens are dropped.
  std::vector<WeightedPrompt> prompts = {};  ///< At most 16, blended. Unless empty, they replace `prompt`.
  Blend prompt_blend = Blend::linear;        ///< How `prompts`, and a prompt in transition, are blended.
  std::string negative_prompt = {};          ///< Used by `full` and `initialize`; otherwise ignored.
  /// Embedding of the prompt, in place of `prompt` and `prompts`: [ModelInfo::prompt_tokens]
  /// [ModelInfo::embedding_width], as Model::encode_prompt returns it. It must not change while a stream has
  /// it; another embedding is another vector.
  std::shared_ptr<const std::vector<float>> prompt_embeds = {};
  /// Embedding of the negative prompt, in place of `negative_prompt`, as prompt_embeds.
  std::shared_ptr<const std::vector<float>> negative_prompt_embeds = {};

  /// Duration in seconds of the change to a new prompt, 0 to 3600. Meanwhile the old and the new prompt are
  /// blended by `prompt_blend`. Time is taken from Frame::time of the stepped frames. The prompt changes at
  /// once in text to image and before a stream's first step. LoRAs and negative prompts always change at
  /// once.
  float prompt_transition = 0.0F;

  /// The denoising steps, as strictly increasing indices into the schedule's timesteps. Each is 0 to
  /// num_inference_steps - 1; index 0 is the noisiest.
  std::vector<int> t_index_list = {32, 45};
  int num_inference_steps = 50;  ///< Length of the schedule: 1 to the scheduler's original_inference_steps.

  CfgType cfg_type = CfgType::none;  ///< Kind of guidance.
  float guidance_scale = 1.0F;       ///< Weight of the guidance, 0 to 1000; values up to 1 turn it off.
  float delta = 1.0F;                ///< Factor on the residual noise in `self` and `initialize`, 0 to 1000.
  bool do_add_noise = true;          ///< Adds noise between the denoising steps.

  /// Guidance embedding of a latent consistency model (LCM): the guidance scale that the distilled model
  /// imitates, -1000 to 1000. diffusers passes its guidance_scale - 1. Only for models with
  /// `time_cond_proj_dim`; others throw Error. No value: no embedding.
  std::optional<float> guidance_embedding = {};

  std::uint64_t seed = 2;  ///< Seed of the stream's noise, drawn as PyTorch's CPU generator draws it.
  /// At most 16 seeds whose noise is blended by spherical interpolation. Unless empty, they replace `seed`.
  std::vector<WeightedSeed> seeds = {};
  float seed_transition = 0.0F;  ///< Duration in seconds of the change to new noise, as prompt_transition.

  /// Self-attention of each row sees all rows of the denoising batch (paper, section 3.2).
  bool cross_frame_attention = false;

  SimilarityFilterParameters similarity_filter;  ///< Skips frames that hardly changed; off by default.

  /// Scales of LoRAs. Those not named here have the scale in ModelInfo::loras.
  std::vector<LoraScale> lora_scales = {};

  /// True if all fields are equal.
  bool operator==(const Parameters&) const = default;
};

/// Returns `parameters` with `variation` added to every seed. Stream::generate_images uses these seeds.
STREAMDIFFUSION_API Parameters variation_of(Parameters parameters, std::uint32_t variation);

/// Returns a t_index_list of `steps` evenly spread denoising steps, of a schedule of `num_inference_steps`.
///
/// The first step is the one at `strength` (0 < strength <= 1), a fraction of the schedule counted from its
/// end; 1 is the noisiest timestep. Throws Error if an argument is out of range or fewer than `steps`
/// timesteps remain from there.
STREAMDIFFUSION_API std::vector<int> t_index_list_for(float strength, int steps,
                                                      int num_inference_steps = 50);

}  // namespace streamdiffusion
