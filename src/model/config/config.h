#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/files/text_file.h"  // IWYU pragma: export (who parses a configuration has read a file)

namespace streamdiffusion {

// The configurations of a diffusers folder, read from its JSON files and checked. An unknown field or an
// unsupported value throws Error with the file and the field.

struct UNet2DConditionConfig {
  std::int64_t sample_size = 64;
  std::int64_t in_channels = 4;
  std::int64_t out_channels = 4;
  std::vector<std::int64_t> block_out_channels = {320, 640, 1280, 1280};
  /// For each down block in the file's order, true if it has attention.
  std::vector<bool> down_attention;
  /// For each up block in the file's order, true if it has attention.
  std::vector<bool> up_attention;
  bool mid_block = true;                          ///< False if mid_block_type is null.
  bool mid_attention = true;                      ///< True for UNetMidBlock2DCrossAttn.
  std::vector<std::int64_t> layers_per_block;     ///< One entry per down block.
  std::vector<std::int64_t> layers_per_up_block;  ///< One entry per up block, without its extra resnet.
  std::vector<std::int64_t> heads;  ///< One entry per down block; diffusers calls it attention_head_dim.
  std::vector<std::int64_t> transformer_layers_per_block;  ///< One entry per down block.
  std::vector<std::int64_t> cross_attention_dim;           ///< One entry per down block.
  bool use_linear_projection = false;
  std::int64_t norm_num_groups = 32;
  float norm_eps = 1e-5F;
  std::int64_t time_cond_proj_dim = 0;  ///< Size of the guidance embedding; 0 if there is none.
  bool flip_sin_to_cos = true;
  std::int64_t freq_shift = 0;
};

struct ClipTextConfig {
  std::int64_t vocab_size = 49408;
  std::int64_t hidden_size = 768;
  std::int64_t intermediate_size = 3072;
  std::int64_t num_hidden_layers = 12;
  std::int64_t num_attention_heads = 12;
  std::int64_t max_position_embeddings = 77;
  float layer_norm_eps = 1e-5F;
  bool quick_gelu = true;  ///< hidden_act: quick_gelu if true, gelu if false.
};

// The latents of all supported models, those of Stable Diffusion 1 and 2. Configurations with others are
// refused.
inline constexpr std::int64_t kLatentChannels = 4;
inline constexpr std::int64_t kPixelsPerLatent = 8;  ///< In each direction.

struct AutoencoderTinyConfig {
  std::int64_t in_channels = 3;
  std::int64_t out_channels = 3;
  std::int64_t latent_channels = 4;
  std::vector<std::int64_t> encoder_block_out_channels;
  std::vector<std::int64_t> decoder_block_out_channels;
  std::vector<std::int64_t> num_encoder_blocks;
  std::vector<std::int64_t> num_decoder_blocks;
  float scaling_factor = 1.0F;
};

struct AutoencoderKLConfig {
  std::int64_t in_channels = 3;
  std::int64_t out_channels = 3;
  std::int64_t latent_channels = 4;
  std::vector<std::int64_t> block_out_channels;
  std::int64_t layers_per_block = 2;
  std::int64_t norm_num_groups = 32;
  bool mid_block_add_attention = true;
  bool use_quant_conv = true;
  bool use_post_quant_conv = true;
  float scaling_factor = 0.18215F;
};

struct SchedulerConfig {
  enum class BetaSchedule { linear, scaled_linear, squaredcos_cap_v2 };
  std::int64_t num_train_timesteps = 1000;
  double beta_start = 0.00085;
  double beta_end = 0.012;
  BetaSchedule beta_schedule = BetaSchedule::scaled_linear;
  std::vector<double> trained_betas;  ///< One per timestep; if empty, beta_schedule gives the betas.
  /// Rescales the noise levels so that the last training timestep is pure noise.
  bool rescale_betas_zero_snr = false;
  bool v_prediction = false;
  std::int64_t original_inference_steps = 50;
  double timestep_scaling = 10.0;
  /// Names of fields that are true and change diffusers' images but not those of this library.
  std::vector<std::string> ignored_fields;
};

/// The classes of a model's parts, from model_index.json.
struct ModelIndex {
  bool tiny_autoencoder = false;  ///< AutoencoderTiny if true, AutoencoderKL if false.
};

// Each parser takes the JSON text and a name for error messages, usually the file's path.
ModelIndex parse_model_index(const std::string& json, const std::string& where);
UNet2DConditionConfig parse_unet_config(const std::string& json, const std::string& where);
ClipTextConfig parse_clip_text_config(const std::string& json, const std::string& where);
AutoencoderTinyConfig parse_autoencoder_tiny_config(const std::string& json, const std::string& where);
AutoencoderKLConfig parse_autoencoder_kl_config(const std::string& json, const std::string& where);
SchedulerConfig parse_scheduler_config(const std::string& json, const std::string& where);

/// Returns "_class_name" of an autoencoder's config.json, AutoencoderTiny or AutoencoderKL.
std::string parse_class_name(const std::string& json, const std::string& where);

}  // namespace streamdiffusion
