#include "stream/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "streamdiffusion/error.h"

namespace streamdiffusion {

namespace {

/// torch.linspace in float32, which counts from whichever end is nearer.
std::vector<float> linspace(double from, double to, std::int64_t count) {
  const auto start = static_cast<float>(from);
  const auto end = static_cast<float>(to);
  const float step = count > 1 ? (end - start) / static_cast<float>(count - 1) : 0.0F;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    values[static_cast<std::size_t>(i)] = i < count / 2
                                              ? std::fma(step, static_cast<float>(i), start)
                                              : std::fma(-step, static_cast<float>(count - 1 - i), end);
  }
  return values;
}

std::vector<float> cosine_betas(std::int64_t count) {
  const auto alpha_bar = [](double t) {
    const double c = std::cos((t + 0.008) / 1.008 * std::numbers::pi / 2);
    return c * c;
  };
  std::vector<float> betas;
  for (std::int64_t i = 0; i < count; ++i) {
    const double from = static_cast<double>(i) / static_cast<double>(count);
    const double to = static_cast<double>(i + 1) / static_cast<double>(count);
    betas.push_back(static_cast<float>(std::min(1 - alpha_bar(to) / alpha_bar(from), 0.999)));
  }
  return betas;
}

std::vector<float> make_betas(const SchedulerConfig& config) {
  if (!config.trained_betas.empty()) {
    return {config.trained_betas.begin(), config.trained_betas.end()};
  }
  switch (config.beta_schedule) {
    case SchedulerConfig::BetaSchedule::linear:
      return linspace(config.beta_start, config.beta_end, config.num_train_timesteps);
    case SchedulerConfig::BetaSchedule::squaredcos_cap_v2:
      return cosine_betas(config.num_train_timesteps);
    case SchedulerConfig::BetaSchedule::scaled_linear:
      break;
  }
  std::vector<float> betas =
      linspace(std::sqrt(config.beta_start), std::sqrt(config.beta_end), config.num_train_timesteps);
  std::ranges::transform(betas, betas.begin(), [](float root) { return root * root; });
  return betas;
}

void check_t_index_list(const std::vector<int>& t_index_list, int num_inference_steps) {
  if (t_index_list.empty()) {
    throw Error("t_index_list is empty: give at least one index, as in 32,45");
  }
  for (std::size_t i = 0; i < t_index_list.size(); ++i) {
    const int index = t_index_list[i];
    if (index < 0 || index >= num_inference_steps) {
      throw Error("t_index_list: " + std::to_string(index) + " is out of range: the schedule has " +
                  std::to_string(num_inference_steps) + " steps, so indices go from 0 to " +
                  std::to_string(num_inference_steps - 1));
    }
    if (i > 0 && index <= t_index_list[i - 1]) {
      throw Error("t_index_list: " + std::to_string(index) + " follows " +
                  std::to_string(t_index_list[i - 1]) +
                  ": indices must increase, from the noisiest step to the last");
    }
  }
}

}  // namespace

std::vector<float> alphas_cumprod(const SchedulerConfig& config) {
  std::vector<float> values = make_betas(config);
  double product = 1;  // PyTorch accumulates a cumulative product of float32 in float64
  for (float& value : values) {
    product *= static_cast<double>(1.0F - value);
    value = static_cast<float>(product);
  }
  return values;
}

std::vector<std::int64_t> lcm_timesteps(const SchedulerConfig& config, int num_inference_steps) {
  const std::int64_t original_steps = config.original_inference_steps;
  if (original_steps < 1 || original_steps > config.num_train_timesteps) {
    throw Error("scheduler: original_inference_steps is " + std::to_string(original_steps) +
                ", must be from 1 to " + std::to_string(config.num_train_timesteps) +
                " (num_train_timesteps)");
  }
  if (num_inference_steps < 1 || num_inference_steps > original_steps) {
    throw Error("num_inference_steps is " + std::to_string(num_inference_steps) + ", must be from 1 to " +
                std::to_string(original_steps) + " (the scheduler's original_inference_steps)");
  }
  const std::int64_t spacing = config.num_train_timesteps / original_steps;
  // NumPy's linspace multiplies the index by this quotient; rounding decides some indices.
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
