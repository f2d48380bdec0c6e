#include "stream/denoising.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

void check_guidance(const Parameters& parameters) {
  if (!std::isfinite(parameters.guidance_scale) || !std::isfinite(parameters.delta)) {
    throw Error("guidance_scale and delta must be finite numbers");
  }
}

CfgType effective_cfg_type(const Parameters& parameters) {
  return parameters.guidance_scale > 1.0F ? parameters.cfg_type : CfgType::none;
}

bool same_timesteps(const std::vector<DenoisingStep>& a, const std::vector<DenoisingStep>& b) {
  return std::ranges::equal(a, b, {}, &DenoisingStep::timestep, &DenoisingStep::timestep);
}

std::shared_ptr<const DeviceTensor> project_time(Model::Impl& model, const Denoising& denoising) {
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

}  // namespace

std::shared_ptr<const Denoising> make_denoising(Model::Impl& model, const Parameters& parameters,
                                                const Denoising* previous) {
  check_guidance(parameters);
  auto denoising = std::make_shared<Denoising>();
  denoising->steps =
      make_schedule(model.files.scheduler_config, parameters.num_inference_steps, parameters.t_index_list);
  denoising->v_prediction = model.files.scheduler_config.v_prediction;
  denoising->cfg_type = effective_cfg_type(parameters);
  denoising->guidance_scale = parameters.guidance_scale;
  denoising->delta = parameters.delta;
  denoising->do_add_noise = parameters.do_add_noise;
  denoising->cross_frame_attention = parameters.cross_frame_attention;
  denoising->guidance_embedding = parameters.guidance_embedding;
  if (parameters.guidance_embedding && model.files.unet_config.time_cond_proj_dim == 0) {
    throw Error(
        "guidance_embedding is given, but this model's UNet takes none (it has no time_cond_proj_dim)");
  }

  denoising->weights = model.weights(parameters.lora_scales);
  denoising->prompt = model.text_context(*denoising->weights, parameters.prompt);
  if (denoising->cfg_type == CfgType::full || denoising->cfg_type == CfgType::initialize) {
    denoising->negative_prompt = model.text_context(*denoising->weights, parameters.negative_prompt);
  }
  const bool same_time = previous != nullptr && previous->weights == denoising->weights &&
                         previous->guidance_embedding == denoising->guidance_embedding &&
                         same_timesteps(previous->steps, denoising->steps);
  denoising->time = same_time ? previous->time : project_time(model, *denoising);
  return denoising;
}

}  // namespace streamdiffusion
