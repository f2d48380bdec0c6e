#include "model/config/config.h"

#include <algorithm>

#include "model/config/config_fields.h"
#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

// Fields of transformers' configurations that do not describe the network: training, generation (a text
// encoder generates nothing) and bookkeeping.
constexpr std::initializer_list<const char*> kNoShape = {
    "architectures", "attention_dropout", "bos_token_id", "dropout", "dtype", "eos_token_id",
    "gradient_checkpointing", "initializer_factor", "initializer_range", "model_type", "pad_token_id",
    "projection_dim", "torch_dtype", "transformers_version",
    // Generation, in older files.
    "add_cross_attention", "bad_words_ids", "begin_suppress_tokens", "chunk_size_feed_forward",
    "cross_attention_hidden_size", "decoder_start_token_id", "diversity_penalty", "do_sample",
    "early_stopping", "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "finetuning_task",
    "forced_bos_token_id", "forced_eos_token_id", "id2label", "is_decoder", "is_encoder_decoder", "label2id",
    "length_penalty", "max_length", "min_length", "no_repeat_ngram_size", "num_beam_groups", "num_beams",
    "num_return_sequences", "output_attentions", "output_hidden_states", "output_scores", "prefix",
    "problem_type", "pruned_heads", "remove_invalid_values", "repetition_penalty", "return_dict",
    "return_dict_in_generate", "sep_token_id", "suppress_tokens", "task_specific_params", "temperature",
    "tf_legacy_loss", "tie_encoder_decoder", "tie_word_embeddings", "tokenizer_class", "top_k", "top_p",
    "torchscript", "typical_p", "use_bfloat16", "use_cache",
    // Fields of a whole CLIPModel.
    "logit_scale_init_value", "vision_config", "vision_config_dict", "text_config_dict"};

/// Returns the text encoder's configuration, which a whole CLIPModel's configuration nests as text_config.
std::string text_config_of(const std::string& text, const std::string& where) {
  const json parsed = parse_json_object(text, where);
  const auto nested = parsed.find("text_config");
  return nested != parsed.end() && nested->is_object() ? nested->dump() : text;
}

void check_text_encoder_class(ConfigFields& fields) {
  const std::string type = fields.text("model_type", "clip_text_model");
  if (type != "clip_text_model" && type != "clip") {
    fields.fail_unsupported("model_type", "clip_text_model");
  }
  for (const std::string& name : fields.texts("architectures", {})) {
    if (name != "CLIPTextModel" && name != "CLIPTextModelWithProjection" && name != "CLIPModel") {
      fields.fail_unsupported("architectures", "CLIPTextModel");
    }
  }
}

SchedulerConfig::BetaSchedule read_beta_schedule(ConfigFields& fields) {
  const std::string name = fields.text("beta_schedule", "scaled_linear");
  if (name == "linear") {
    return SchedulerConfig::BetaSchedule::linear;
  }
  if (name == "scaled_linear") {
    return SchedulerConfig::BetaSchedule::scaled_linear;
  }
  if (name == "squaredcos_cap_v2") {
    return SchedulerConfig::BetaSchedule::squaredcos_cap_v2;
  }
  fields.fail_unsupported("beta_schedule", "linear, scaled_linear or squaredcos_cap_v2");
}

void check_beta(ConfigFields& fields, const std::string& name, double beta) {
  if (!(beta > 0 && beta < 1)) {
    fields.fail(name, "must be above 0 and below 1");
  }
}

/// Refuses schedulers with other kinds of noise: they have neither betas nor a prediction type.
void check_scheduler_class(ConfigFields& fields) {
  const std::string name = fields.text("_class_name", "");
  if (name.starts_with("FlowMatch") || name.starts_with("EDM") || name.starts_with("CosineDPM")) {
    fields.fail_unsupported("_class_name", "a scheduler of a diffusion with betas");
  }
  fields.require_off({"use_flow_sigmas"});
}

void check_component(ConfigFields& fields, const std::string& name,
                     std::initializer_list<const char*> classes) {
  const std::vector<std::string> component = fields.texts(name, {});
  if (component.size() != 2 ||
      std::ranges::none_of(classes, [&](const char* each) { return component[1] == each; })) {
    std::string supported;
    for (const char* const each : classes) {
      supported += (supported.empty() ? "" : " or ") + std::string(each);
    }
    if (component.empty()) {
      fields.fail(name, "is missing; only models with " + supported + " are supported");
    }
    fields.fail_unsupported(name, supported);
  }
}

}  // namespace

ClipTextConfig parse_clip_text_config(const std::string& text, const std::string& where) {
  constexpr std::int64_t kLargest = 1 << 20;  // Far above any model; products of three stay in 64 bits.
  ConfigFields fields(text_config_of(text, where), where);
  ClipTextConfig config;
  check_text_encoder_class(fields);
  config.vocab_size = fields.integer("vocab_size", 49408, 1, kLargest);
  config.hidden_size = fields.integer("hidden_size", 512, 1, kLargest);
  config.intermediate_size = fields.integer("intermediate_size", 2048, 1, kLargest);
  config.num_hidden_layers = fields.integer("num_hidden_layers", 12, 1, 1024);
  config.num_attention_heads = fields.integer("num_attention_heads", 8, 1, kLargest);
  config.max_position_embeddings = fields.integer("max_position_embeddings", 77, 1, kLargest);
  config.layer_norm_eps = static_cast<float>(fields.number("layer_norm_eps", 1e-5));
  if (config.hidden_size % config.num_attention_heads != 0) {
    fields.fail("num_attention_heads", "must divide hidden_size");
  }
  if (!(config.layer_norm_eps > 0 && config.layer_norm_eps < 1)) {
    fields.fail("layer_norm_eps", "must be above 0 and below 1");
  }
  const std::string activation = fields.text("hidden_act", "quick_gelu");
  if (activation != "quick_gelu" && activation != "gelu") {
    fields.fail_unsupported("hidden_act", "quick_gelu or gelu");
  }
  config.quick_gelu = activation == "quick_gelu";
  fields.ignore(kNoShape);
  fields.check_all_known();
  return config;
}

SchedulerConfig parse_scheduler_config(const std::string& text, const std::string& where) {
  constexpr std::int64_t kMostTimesteps = 100'000;  // A hundred times those of Stable Diffusion.
  ConfigFields fields(text, where);
  SchedulerConfig config;
  check_scheduler_class(fields);
  config.num_train_timesteps = fields.integer("num_train_timesteps", 1000, 1, kMostTimesteps);
  config.beta_start = fields.number("beta_start", 0.00085);
  config.beta_end = fields.number("beta_end", 0.012);
  config.beta_schedule = read_beta_schedule(fields);
  check_beta(fields, "beta_start", config.beta_start);
  check_beta(fields, "beta_end", config.beta_end);
  config.trained_betas = fields.numbers("trained_betas");
  for (const double beta : config.trained_betas) {
    check_beta(fields, "trained_betas", beta);
  }
  if (!config.trained_betas.empty() &&
      static_cast<std::int64_t>(config.trained_betas.size()) != config.num_train_timesteps) {
    fields.fail("trained_betas", "must have num_train_timesteps entries");
  }
  const std::string prediction = fields.text("prediction_type", "epsilon");
  if (prediction != "epsilon" && prediction != "v_prediction") {
    fields.fail_unsupported("prediction_type", "epsilon or v_prediction");
  }
  config.v_prediction = prediction == "v_prediction";
  config.rescale_betas_zero_snr = fields.boolean("rescale_betas_zero_snr", false);
  if (config.rescale_betas_zero_snr && config.num_train_timesteps < 2) {
    fields.fail("rescale_betas_zero_snr", "needs at least two timesteps (num_train_timesteps)");
  }
  config.original_inference_steps =
      fields.integer("original_inference_steps", std::min<std::int64_t>(50, config.num_train_timesteps), 1,
                     config.num_train_timesteps);
  config.timestep_scaling = fields.number("timestep_scaling", 10.0);
  if (!(config.timestep_scaling > 0 && config.timestep_scaling < 1e6)) {
    fields.fail("timestep_scaling", "must be above 0 and below a million");
  }
  for (const char* const name : {"thresholding", "clip_sample"}) {
    if (fields.take(name) == json(true)) {
      config.ignored_fields.emplace_back(name);
    }
  }
  // Does not call check_all_known(): other fields configure samplers that are not used. The schedule is
  // always LCM's.
  return config;
}

ModelIndex parse_model_index(const std::string& text, const std::string& where) {
  ConfigFields fields(text, where);
  check_component(fields, "unet", {"UNet2DConditionModel"});
  check_component(fields, "text_encoder", {"CLIPTextModel", "CLIPTextModelWithProjection"});
  check_component(fields, "vae", {"AutoencoderTiny", "AutoencoderKL"});
  ModelIndex index;
  index.tiny_autoencoder = fields.take("vae").at(1) == "AutoencoderTiny";
  // The tokenizer and the scheduler may be of any class. The others check images or take image prompts.
  fields.ignore({"tokenizer", "scheduler", "safety_checker", "feature_extractor", "image_encoder",
                 "requires_safety_checker"});
  for (const std::string& name : fields.unknown_fields()) {
    // A component that diffusers left out is [null, null] and not reported here.
    fields.fail(name,
                "is a component that is not known; supported are Stable Diffusion 1.x and 2.x and what is "
                "distilled from them");
  }
  return index;
}

std::string parse_class_name(const std::string& text, const std::string& where) {
  ConfigFields fields(text, where);
  const std::string name = fields.text("_class_name", "");
  if (name.empty()) {
    fields.fail("_class_name", "is missing");
  }
  return name;
}

}  // namespace streamdiffusion
