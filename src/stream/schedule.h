#pragma once

#include <cstdint>
#include <vector>

#include "model/config/config.h"

namespace streamdiffusion {

/// One denoising step with the constants of its noise level: x_t = alpha * x_0 + beta * noise.
struct DenoisingStep {
  std::int64_t timestep = 0;
  float alpha = 1;   ///< square root of the cumulative product of alphas
  float beta = 0;    ///< square root of 1 - that product
  float c_skip = 0;  ///< the consistency function is c_skip * x_t + c_out * predicted x_0
  float c_out = 1;
};

/// LCMScheduler's `num_inference_steps` timesteps, the noisiest first. Throws Error where that number is out
/// of range.
std::vector<std::int64_t> lcm_timesteps(const SchedulerConfig& config, int num_inference_steps);

/// The denoising steps at `t_index_list` of those timesteps. Throws Error where the indices are out of order
/// or range.
std::vector<DenoisingStep> make_schedule(const SchedulerConfig& config, int num_inference_steps,
                                         const std::vector<int>& t_index_list);

}  // namespace streamdiffusion
