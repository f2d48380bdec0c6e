#include "stream/schedule.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/config/alphas_cumprod.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

void check_t_index_list(const std::vector<int>& t_index_list, int num_inference_steps) {
  if (t_index_list.empty()) {
    throw ArgumentError("t_index_list is empty: give at least one index, as in 32,45");
  }
  for (std::size_t i = 0; i < t_index_list.size(); ++i) {
    const int index = t_index_list[i];
    if (index < 0 || index >= num_inference_steps) {
      throw ArgumentError("t_index_list: " + std::to_string(index) + " is out of range: the schedule has " +
                          std::to_string(num_inference_steps) + " steps, so indices go from 0 to " +
                          std::to_string(num_inference_steps - 1));
    }
    if (i > 0 && index <= t_index_list[i - 1]) {
      throw ArgumentError("t_index_list: " + std::to_string(index) + " follows " +
                          std::to_string(t_index_list[i - 1]) +
                          ": indices must increase, from the noisiest step to the last");
    }
  }
}

}  // namespace

std::vector<std::int64_t> lcm_timesteps(const SchedulerConfig& config, int num_inference_steps) {
  const std::int64_t original_steps = config.original_inference_steps;
  if (original_steps < 1 || original_steps > config.num_train_timesteps) {
    throw ArgumentError("scheduler: original_inference_steps is " + std::to_string(original_steps) +
                        ", must be from 1 to " + std::to_string(config.num_train_timesteps) +
                        " (num_train_timesteps)");
  }
  if (num_inference_steps < 1 || num_inference_steps > original_steps) {
    throw ArgumentError("num_inference_steps is " + std::to_string(num_inference_steps) +
                        ", must be from 1 to " + std::to_string(original_steps) +
                        " (the scheduler's original_inference_steps)");
  }
  const std::int64_t spacing = config.num_train_timesteps / original_steps;
  // Computes indices as NumPy's linspace does, by multiplying with this quotient, so that both round alike.
  const double skip = static_cast<double>(original_steps) / num_inference_steps;
  std::vector<std::int64_t> timesteps;
  for (int i = 0; i < num_inference_steps; ++i) {
    const auto index = static_cast<std::int64_t>(std::floor(i * skip));
    timesteps.push_back((original_steps - index) * spacing - 1);
  }
  return timesteps;
}

std::vector<DenoisingStep> make_schedule(const SchedulerConfig& config, int num_inference_steps,
                                         const std::vector<int>& t_index_list) {
  const std::vector<std::int64_t> timesteps = lcm_timesteps(config, num_inference_steps);
  check_t_index_list(t_index_list, num_inference_steps);
  const std::vector<float> alpha_products = alphas_cumprod(config);
  std::vector<DenoisingStep> steps;
  for (const int index : t_index_list) {
    const std::int64_t timestep = timesteps[static_cast<std::size_t>(index)];
    const float product = alpha_products.at(static_cast<std::size_t>(timestep));
    const double scaled = static_cast<double>(timestep) * config.timestep_scaling;
    constexpr double sigma_data = 0.5;
    const double variance = scaled * scaled + sigma_data * sigma_data;
    steps.push_back({.timestep = timestep,
                     .alpha = std::sqrt(product),
                     .beta = std::sqrt(1.0F - product),
                     .c_skip = static_cast<float>(sigma_data * sigma_data / variance),
                     .c_out = static_cast<float>(scaled / std::sqrt(variance))});
  }
  return steps;
}

}  // namespace streamdiffusion
