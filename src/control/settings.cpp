#include "control/settings.h"

namespace streamdiffusion {

Parameters make_parameters(const Settings& settings) {
  Parameters parameters;
  parameters.prompt = settings.prompt;
  parameters.prompts = settings.prompts;
  parameters.prompt_blend = settings.prompt_blend;
  parameters.prompt_transition = settings.prompt_transition;
  parameters.negative_prompt = settings.negative_prompt;
  parameters.num_inference_steps = settings.num_inference_steps;
  parameters.t_index_list =
      settings.t_index_list.empty()
          ? t_index_list_for(settings.strength, settings.steps, settings.num_inference_steps)
          : settings.t_index_list;
  parameters.cfg_type = settings.cfg_type;
  parameters.guidance_scale = settings.guidance_scale;
  parameters.delta = settings.delta;
  parameters.guidance_embedding = settings.guidance_embedding;
  parameters.do_add_noise = settings.do_add_noise;
  parameters.seed = settings.seed;
  parameters.seeds = settings.seeds;
  parameters.seed_transition = settings.seed_transition;
  parameters.cross_frame_attention = settings.cross_frame_attention;
  parameters.similarity_filter.enabled = settings.similarity_threshold < 1;
  parameters.similarity_filter.threshold = settings.similarity_threshold;
  parameters.similarity_filter.max_skip_frame = settings.max_skip_frame;
  parameters.lora_scales = settings.loras;
  return parameters;
}

bool uses_negative_prompt(const Settings& settings) {
  return settings.guidance_scale > 1 &&
         (settings.cfg_type == CfgType::full || settings.cfg_type == CfgType::initialize);
}

bool uses_delta(const Settings& settings) {
  return settings.guidance_scale > 1 &&
         (settings.cfg_type == CfgType::self || settings.cfg_type == CfgType::initialize);
}

}  // namespace streamdiffusion
