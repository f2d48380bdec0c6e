#pragma once

#include <vector>

#include "model/config/config.h"

namespace streamdiffusion {

/// Returns the cumulative product of alphas at each training timestep, in float32 as diffusers computes it.
std::vector<float> alphas_cumprod(const SchedulerConfig& config);

}  // namespace streamdiffusion
