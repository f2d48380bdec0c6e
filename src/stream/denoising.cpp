#include "stream/denoising.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "model/prompt/lora_tags.h"
#include "stream/blender.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

CfgType effective_cfg_type(const Parameters& parameters) {
  return parameters.guidance_scale > 1.0F ? parameters.cfg_type : CfgType::none;
}

bool same_timesteps(const std::vector<DenoisingStep>& a, const std::vector<DenoisingStep>& b) {
  return std::ranges::equal(a, b, {}, &DenoisingStep::timestep, &DenoisingStep::timestep);
}

/// Throws Error if a step has no signal (alpha 0) but the predictions are of noise. The sample is pure noise
/// there, so only a prediction of v yields x_0.
void check_signal(const DenoisingPlan& denoising) {
  if (std::ranges::all_of(denoising.steps, [](const DenoisingStep& step) { return step.alpha > 0; })) {
    return;
  }
  const std::string why =
      "the first denoising step has no signal, only noise (the scheduler's rescale_betas_zero_snr)";
  if (!denoising.v_prediction) {
    throw ArgumentError(
        why +
        ", from which a model that predicts noise (epsilon) predicts no image; take later steps "
        "(t_index_list from 1 on), or v_prediction if the model was trained so");
  }
  if (guides_by_residual_noise(denoising.cfg_type)) {
    throw ArgumentError(
        why + ", from which cfg_type " + to_string(denoising.cfg_type) +
        " computes no negative prediction; use full or none, or later steps (t_index_list from 1 on)");
  }
}

std::shared_ptr<const DeviceTensor> project_time(Model::Impl& model, const DenoisingPlan& denoising) {
  std::vector<float> timesteps;
  for (const DenoisingStep& step : denoising.steps) {
    timesteps.push_back(static_cast<float>(step.timestep));
  }
  const UNet2DCondition& unet = denoising.weights->unet();
  const auto rows = static_cast<std::int64_t>(timesteps.size());
  auto time = std::make_shared<DeviceTensor>(*model.device, Shape{rows, 1, 1, unet.time_width()});
  Context context = model.context();
  unet.time_projections(context, timesteps, denoising.guidance_embedding, time->view());
  return time;
}

/// Returns the prompts without LoRA tags, and adds the LoRAs that the tags name to `loras`.
std::vector<WeightedPrompt> prompts_of(const Model::Impl& model, const Parameters& parameters,
                                       std::vector<LoraScale>& loras) {
  std::vector<WeightedPrompt> prompts = parameters.prompts;
  if (parameters.prompt_embeds) {
    return {};
  }
  if (prompts.empty()) {
    prompts.push_back({.text = parameters.prompt});
  }
  for (WeightedPrompt& prompt : prompts) {
    prompt.text = model.take_lora_tags(prompt.text, loras);
  }
  return prompts;
}

void check_embeds(const char* name, const PromptEmbedding& embeds, const ModelInfo& info) {
  const auto tokens = static_cast<std::size_t>(info.prompt_tokens);
  const auto width = static_cast<std::size_t>(info.embedding_width);
  if (embeds.size() != tokens * width) {
    throw ArgumentError(std::string(name) + " has " + std::to_string(embeds.size()) +
                        " numbers, this model takes " + std::to_string(tokens) + " tokens of " +
                        std::to_string(width));
  }
  if (!std::ranges::all_of(embeds, [](float value) { return std::isfinite(value); })) {
    throw ArgumentError(std::string(name) + " has a number that is not finite");
  }
}

/// Sets the text context of a given embedding.
void set_embedding(Model::Impl& model, std::shared_ptr<const PromptEmbedding> embedding,
                   const DenoisingPlan* previous, DenoisingPlan& denoising) {
  denoising.prompt_embedding = std::move(embedding);
  const bool same = previous != nullptr && previous->weights == denoising.weights &&
                    *previous->prompt_embedding == *denoising.prompt_embedding;
  denoising.prompt =
      same ? previous->prompt : model.text_context(*denoising.weights, *denoising.prompt_embedding);
}

std::shared_ptr<const TextContext> negative_context(Model::Impl& model, WeightSet& weights,
                                                    const Parameters& parameters) {
  if (!parameters.negative_prompt_embeds) {
    return model.text_context(weights, parameters.negative_prompt);
  }
  return model.text_context(std::as_const(weights), *parameters.negative_prompt_embeds);
}

/// Sets the prompt's embedding and text context, blended if there are several prompts.
void set_prompt(Model::Impl& model, const std::vector<WeightedPrompt>& prompts, Blend how,
                const DenoisingPlan* previous, DenoisingPlan& denoising) {
  WeightSet& weights = *denoising.weights;
  if (prompts.size() == 1) {
    denoising.prompt_embedding = model.embedding(weights, prompts.front().text);
    denoising.prompt = model.text_context(weights, prompts.front().text);
    return;
  }
  std::vector<float> shares;
  std::ranges::transform(prompts, std::back_inserter(shares), &WeightedPrompt::weight);
  check_weights(shares, "prompts");
  Blender blender(how, static_cast<std::size_t>(weights.text_encoder().config().hidden_size));
  for (const WeightedPrompt& prompt : prompts) {
    blender.add(*model.embedding(weights, prompt.text), prompt.weight);
  }
  set_embedding(model, std::make_shared<const PromptEmbedding>(blender.values()), previous, denoising);
}

}  // namespace

std::shared_ptr<const DenoisingPlan> make_denoising_plan(Model::Impl& model, const Parameters& parameters,
                                                         const DenoisingPlan* previous) {
  auto denoising = std::make_shared<DenoisingPlan>();
  denoising->steps =
      make_schedule(model.files.scheduler_config, parameters.num_inference_steps, parameters.t_index_list);
  denoising->v_prediction = model.files.scheduler_config.v_prediction;
  denoising->cfg_type = effective_cfg_type(parameters);
  check_signal(*denoising);
  denoising->guidance_scale = parameters.guidance_scale;
  denoising->delta = parameters.delta;
  denoising->do_add_noise = parameters.do_add_noise;
  denoising->cross_frame_attention = parameters.cross_frame_attention;
  denoising->guidance_embedding = parameters.guidance_embedding;
  if (parameters.guidance_embedding && model.files.unet_config.time_cond_proj_dim == 0) {
    throw ArgumentError(
        "guidance_embedding is given, but this model's UNet takes none (it has no time_cond_proj_dim)");
  }

  check_negative_prompt(parameters.negative_prompt);
  if (parameters.negative_prompt_embeds) {
    check_embeds("negative_prompt_embeds", *parameters.negative_prompt_embeds, model.info);
  }
  std::vector<LoraScale> loras_of_prompts;
  const std::vector<WeightedPrompt> prompts = prompts_of(model, parameters, loras_of_prompts);
  denoising->weights = model.weights(parameters.lora_scales, loras_of_prompts);
  if (parameters.prompt_embeds) {
    check_embeds("prompt_embeds", *parameters.prompt_embeds, model.info);
    set_embedding(model, parameters.prompt_embeds, previous, *denoising);
  } else {
    set_prompt(model, prompts, parameters.prompt_blend, previous, *denoising);
  }
  if (denoising->cfg_type == CfgType::full || denoising->cfg_type == CfgType::initialize) {
    denoising->negative_prompt = negative_context(model, *denoising->weights, parameters);
  }
  const bool same_time = previous != nullptr && previous->weights == denoising->weights &&
                         previous->guidance_embedding == denoising->guidance_embedding &&
                         same_timesteps(previous->steps, denoising->steps);
  denoising->time = same_time ? previous->time : project_time(model, *denoising);
  return denoising;
}

std::shared_ptr<const DenoisingPlan> with_prompt(Model::Impl& model, const DenoisingPlan& denoising,
                                                 PromptEmbedding prompt) {
  auto other = std::make_shared<DenoisingPlan>(denoising);
  other->prompt_embedding = std::make_shared<const PromptEmbedding>(std::move(prompt));
  other->prompt = model.text_context(*other->weights, *other->prompt_embedding);
  return other;
}

}  // namespace streamdiffusion
