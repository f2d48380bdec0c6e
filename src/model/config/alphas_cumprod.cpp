#include "model/config/alphas_cumprod.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>

namespace streamdiffusion {
namespace {

/// torch.linspace in float32. PyTorch counts the second half down from the end.
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

/// diffusers' betas_for_alpha_bar with the cosine of Nichol and Dhariwal (2021).
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

/// Returns the cumulative products of 1 - beta.
std::vector<float> products_of(std::vector<float> betas) {
  double product = 1;  // PyTorch accumulates a cumulative product of float32 in float64
  for (float& value : betas) {
    product *= static_cast<double>(1.0F - value);
    value = static_cast<float>(product);
  }
  return betas;
}

/// diffusers' rescale_zero_terminal_snr (Lin et al. 2023). Shifts and scales the square roots of the
/// products: the first keeps its value, the last becomes 0.
std::vector<float> rescale_to_zero_snr(const std::vector<float>& betas) {
  std::vector<float> signal = products_of(betas);
  std::ranges::transform(signal, signal.begin(), [](float product) { return std::sqrt(product); });
  const float last = signal.back();
  const float factor = signal.front() / (signal.front() - last);
  std::ranges::transform(signal, signal.begin(), [&](float root) {
    const float scaled = (root - last) * factor;
    return scaled * scaled;
  });
  std::vector<float> rescaled = {1.0F - signal.front()};
  for (std::size_t i = 1; i < signal.size(); ++i) {
    rescaled.push_back(signal[i - 1] > 0 ? 1.0F - signal[i] / signal[i - 1] : 1.0F);
  }
  return rescaled;
}

}  // namespace

std::vector<float> alphas_cumprod(const SchedulerConfig& config) {
  const std::vector<float> betas = make_betas(config);
  return products_of(config.rescale_betas_zero_snr ? rescale_to_zero_snr(betas) : betas);
}

}  // namespace streamdiffusion
