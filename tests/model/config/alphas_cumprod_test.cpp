#include "model/config/alphas_cumprod.h"

#include <gtest/gtest.h>

namespace streamdiffusion {
namespace {

// The expected numbers are those of diffusers' LCMScheduler.
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

}  // namespace
}  // namespace streamdiffusion
