#include "model/config/alphas_cumprod.h"

#include <gtest/gtest.h>

namespace streamdiffusion {
namespace {

// The expected values come from diffusers' LCMScheduler.
TEST(AlphasCumprod, AreThoseOfEachBetaSchedule) {
  SchedulerConfig config;
  const auto at = [&config](std::size_t timestep) { return alphas_cumprod(config).at(timestep); };
  EXPECT_FLOAT_EQ(at(0), 0.999149978F);
  EXPECT_FLOAT_EQ(at(499), 0.27766943F);
  EXPECT_FLOAT_EQ(at(999), 0.00466009509F);
  config.beta_schedule = SchedulerConfig::BetaSchedule::squaredcos_cap_v2;
  EXPECT_FLOAT_EQ(at(499), 0.493843466F);
  config.beta_schedule = SchedulerConfig::BetaSchedule::linear;
  config.beta_start = 0.0005;
  config.beta_end = 0.015;
  EXPECT_FLOAT_EQ(at(499), 0.126685187F);
  config.trained_betas = {0.5, 0.25};
  EXPECT_FLOAT_EQ(at(1), 0.375F);
}

TEST(AlphasCumprod, EndInNoSignalWhereTheConfigurationSaysSo) {
  SchedulerConfig config;
  config.rescale_betas_zero_snr = true;
  const auto at = [&config](std::size_t timestep) { return alphas_cumprod(config).at(timestep); };
  // PyTorch's square root is not correctly rounded, which shows in differences of nearly equal numbers.
  const auto expect = [&](std::size_t timestep, float value) {
    EXPECT_NEAR(at(timestep), value, 1e-5F * value);
  };
  expect(0, 0.99914998F);
  expect(499, 0.242358997F);
  expect(979, 8.57877894e-05F);
  expect(998, 1.96796336e-07F);
  EXPECT_EQ(at(999), 0);
  config.beta_schedule = SchedulerConfig::BetaSchedule::squaredcos_cap_v2;
  expect(499, 0.493823469F);
  EXPECT_EQ(at(999), 0);
  config.beta_schedule = SchedulerConfig::BetaSchedule::linear;
  config.beta_start = 0.0005;
  config.beta_end = 0.015;
  expect(979, 1.12615362e-05F);
  config.trained_betas = {0.5, 0.25, 0.1};
  expect(1, 0.0310227871F);
  EXPECT_EQ(at(2), 0);
  config.trained_betas = {0.5, 0.999999999, 0.999999999, 0.999999999};  // float32 rounds 1 - beta to 0
  EXPECT_EQ(at(2), 0);
  EXPECT_EQ(at(3), 0);
}

}  // namespace
}  // namespace streamdiffusion
