#include "stream/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include "streamdiffusion/error.h"
#include "streamdiffusion/parameters.h"

namespace streamdiffusion {
namespace {

using Timesteps = std::vector<std::int64_t>;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// The expected values in this file are those of diffusers' LCMScheduler.
TEST(Schedule, TimestepsAreThoseOfTheLcmScheduler) {
  const SchedulerConfig config;
  EXPECT_EQ(lcm_timesteps(config, 4), (Timesteps{999, 759, 499, 259}));
  EXPECT_EQ(lcm_timesteps(config, 7), (Timesteps{999, 859, 719, 579, 439, 299, 159}));
  EXPECT_EQ(lcm_timesteps(config, 50).front(), 999);
  EXPECT_EQ(lcm_timesteps(config, 50).back(), 19);
}

TEST(Schedule, TimestepsFollowTheSchedulersOriginalSteps) {
  SchedulerConfig config;
  config.original_inference_steps = 100;
  EXPECT_EQ(lcm_timesteps(config, 50).back(), 19);
  EXPECT_EQ(lcm_timesteps(config, 100).back(), 9);
}

TEST(Schedule, StepsCarryNoiseLevelAndBoundaryScalings) {
  SchedulerConfig config;
  config.timestep_scaling = 0.01;
  const std::vector<DenoisingStep> steps = make_schedule(config, 50, {34, 49});
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_EQ(steps[0].timestep, 319);
  EXPECT_FLOAT_EQ(steps[0].c_skip, 0.0239782874F);
  EXPECT_FLOAT_EQ(steps[0].c_out, 0.987938166F);
  EXPECT_EQ(steps[1].timestep, 19);
  EXPECT_FLOAT_EQ(steps[1].alpha, 0.991082191F);
  EXPECT_FLOAT_EQ(steps[1].beta, 0.133251816F);
}

TEST(Schedule, IndicesOutOfOrderOrRangeAreErrorsThatNameTheIndex) {
  const SchedulerConfig config;
  const auto message = [&config](const std::vector<int>& indices) {
    return message_of([&] { make_schedule(config, 50, indices); });
  };
  EXPECT_NE(message({45, 32}).find("32 follows 45"), std::string::npos);
  EXPECT_NE(message({32, 32}).find("32 follows 32"), std::string::npos);
  EXPECT_NE(message({50}).find("50 is out of range"), std::string::npos);
  EXPECT_NE(message({-1, 4}).find("-1 is out of range"), std::string::npos);
  EXPECT_NE(message({}).find("empty"), std::string::npos);
}

TEST(Schedule, MoreStepsThanTheSchedulerHasAreAnError) {
  const SchedulerConfig config;
  EXPECT_NE(message_of([&] { lcm_timesteps(config, 51); }).find("from 1 to 50"), std::string::npos);
  EXPECT_NE(message_of([&] { lcm_timesteps(config, 0); }).find("from 1 to 50"), std::string::npos);
}

TEST(Strength, BecomesIndicesFromItsNoiseLevelToALastStepWithLittleNoise) {
  EXPECT_EQ(t_index_list_for(1.0F, 4), (std::vector<int>{0, 15, 30, 45}));
  EXPECT_EQ(t_index_list_for(0.36F, 2), (std::vector<int>{32, 45}));
  EXPECT_EQ(t_index_list_for(0.5F, 1), (std::vector<int>{25}));
  EXPECT_EQ(t_index_list_for(1.0F, 1), (std::vector<int>{0}));
  EXPECT_EQ(t_index_list_for(0.06F, 3), (std::vector<int>{47, 48, 49}));
}

TEST(Strength, GivesValidIndicesForEveryStrengthAndNumberOfSteps) {
  const SchedulerConfig config;
  for (int percent = 1; percent <= 100; ++percent) {
    const float strength = static_cast<float>(percent) / 100.0F;
    for (const int total : {1, 4, 37, 50}) {
      const int room = std::max(1, static_cast<int>(std::lround(static_cast<double>(strength) * total)));
      for (int steps = 1; steps <= room; ++steps) {
        const std::vector<int> indices = t_index_list_for(strength, steps, total);
        ASSERT_EQ(indices.size(), static_cast<std::size_t>(steps));
        ASSERT_NO_THROW(make_schedule(config, total, indices)) << percent << "% " << steps << " of " << total;
      }
      ASSERT_THROW(t_index_list_for(strength, room + 1, total), Error);
    }
  }
}

TEST(Strength, IsBlamedForTooManyStepsOnlyWhereItLimitsThem) {
  EXPECT_NE(message_of([] { t_index_list_for(0.5F, 26); }).find("more strength"), std::string::npos);
  const std::string whole = message_of([] { t_index_list_for(1.0F, 51); });
  EXPECT_NE(whole.find("must be 1 to 50"), std::string::npos) << whole;
  EXPECT_EQ(whole.find("strength"), std::string::npos) << whole;
}

TEST(Strength, OutOfRangeIsAnError) {
  EXPECT_THROW(t_index_list_for(0.0F, 1), Error);
  EXPECT_THROW(t_index_list_for(1.01F, 1), Error);
  EXPECT_THROW(t_index_list_for(std::nanf(""), 1), Error);
  EXPECT_THROW(t_index_list_for(0.5F, 0), Error);
  EXPECT_THROW(t_index_list_for(0.5F, 1, 0), Error);
}

TEST(CfgTypes, AreParsedByTheirNamesAndOthersRefused) {
  for (const CfgType type : {CfgType::none, CfgType::full, CfgType::self, CfgType::initialize}) {
    EXPECT_EQ(parse_cfg_type(to_string(type)), type);
  }
  EXPECT_NE(message_of([] { parse_cfg_type("half"); }).find("\"half\""), std::string::npos);
}

}  // namespace
}  // namespace streamdiffusion
