#pragma once

#include <cstdint>
#include <vector>

#include "model/config/config.h"

namespace streamdiffusion {

/// One denoising step and the constants of its noise level, x_t = alpha * x_0 + beta * noise.
struct DenoisingStep {
  std::int64_t timestep = 0;
  float alpha = 1;   ///< Square root of the scheduler's alphas_cumprod at the timestep.
  float beta = 0;    ///< Square root of 1 - alphas_cumprod.
  float c_skip = 0;  ///< Weight of x_t in the consistency function c_skip * x_t + c_out * predicted x_0.
  float c_out = 1;   ///< Weight of the predicted x_0 in the consistency function.
};

/// Returns the timesteps of diffusers' LCMScheduler, the noisiest first. Throws Error if
/// `num_inference_steps` is out of range.
std::vector<std::int64_t> lcm_timesteps(const SchedulerConfig& config, int num_inference_steps);

/// Returns the denoising steps whose indices into lcm_timesteps are `t_index_list`. Throws Error if the
/// indices are not strictly increasing or out of range.
std::vector<DenoisingStep> make_schedule(const SchedulerConfig& config, int num_inference_steps,
                                         const std::vector<int>& t_index_list);

}  // namespace streamdiffusion
