#include "settings/setting.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <type_traits>

#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

std::string error_of(const Settings& settings) {
  try {
    check_ranges(settings);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string error_of(const Parameters& parameters) { return error_of(Settings{.parameters = parameters}); }

/// The error of parameters whose field `member` has the value.
template <typename T>
std::string error_of(T Parameters::*member, const std::type_identity_t<T>& value) {
  Parameters parameters;
  parameters.*member = value;
  return error_of(parameters);
}

std::string permitted(const char* name) { return permitted_values(find_setting(name)->type); }

TEST(SettingsTable, HasEachNameOnce) {
  std::set<std::string_view> names;
  for (const Setting& setting : settings_table()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_EQ(find_setting(setting.name), &setting);
    EXPECT_FALSE(setting.help.empty()) << setting.name;
    EXPECT_FALSE(setting.help.ends_with('.')) << setting.name;
  }
  EXPECT_EQ(find_setting("colour"), nullptr);
}

TEST(SettingsTable, SaysWhichValuesArePermitted) {
  EXPECT_EQ(permitted("steps"), "an integer from 1 to 1000");
  EXPECT_EQ(permitted("max_skip_frame"), "an integer from 0 to 1000000");
  EXPECT_EQ(permitted("strength"), "a number above 0 and at most 1");
  EXPECT_EQ(permitted("guidance_embedding"), "a number from -1000 to 1000");
  EXPECT_EQ(permitted("do_add_noise"), "true or false");
  EXPECT_EQ(permitted("cfg_type"), "none, full, self or initialize");
  EXPECT_EQ(permitted("prompt_blend"), "linear or slerp");
  EXPECT_EQ(permitted("negative_prompt"), "a text of at most 10000 bytes");
}

TEST(SettingsTable, PermitsItsDefaults) { EXPECT_EQ(error_of(Settings{}), ""); }

TEST(SettingsTable, RefusesWhatIsNoNumber) {
  EXPECT_NE(error_of(&Parameters::delta, std::nanf("")), "");
  EXPECT_NE(error_of(&Parameters::guidance_scale, HUGE_VALF), "");
  EXPECT_NE(error_of(&Parameters::prompt_transition, std::nanf("")), "");
}

TEST(SettingsTable, NamesTheSettingItsValueAndThePermittedOnes) {
  EXPECT_EQ(error_of(Settings{.steps = 0}), "steps is 0, must be an integer from 1 to 1000");
  EXPECT_EQ(error_of(Settings{.strength = 0}), "strength is 0, must be a number above 0 and at most 1");
  EXPECT_EQ(error_of(&Parameters::t_index_list, {3, 1000}),
            "t_index_list has 1000, must be a list of integers from 0 to 999");
  EXPECT_EQ(error_of(&Parameters::lora_scales, {{"ink", -2000.0F}}),
            "loras has \"ink\" with the scale -2000, must be LoRAs, each with a scale from -1000 to 1000");
}

TEST(SettingsTable, ChecksEachItemOfAList) {
  Parameters parameters;
  parameters.prompts.assign(16, {"owl", 1000.0F});
  parameters.seeds.assign(16, {7, 0.0F});
  EXPECT_EQ(error_of(parameters), "");
  parameters.prompts.back().weight = 1001;
  EXPECT_NE(error_of(parameters).find("prompts has the weight 1001"), std::string::npos);
  parameters.prompts.assign(17, {"owl", 1.0F});
  EXPECT_NE(error_of(parameters).find("prompts has 17 items"), std::string::npos);
  parameters.prompts.assign(1, {std::string(10001, 'a'), 1.0F});
  EXPECT_NE(error_of(parameters).find("prompts has a text of 10001 bytes"), std::string::npos);
  parameters.prompts.clear();
  parameters.seeds.back().weight = -0.5F;
  EXPECT_NE(error_of(parameters).find("seeds has the weight -0.5"), std::string::npos);
}

TEST(SettingsTable, LimitsTexts) {
  EXPECT_EQ(error_of(&Parameters::prompt, std::string(10000, 'a')), "");
  EXPECT_EQ(error_of(&Parameters::prompt, std::string(10001, 'a')),
            "prompt has a text of 10001 bytes, must be a text of at most 10000 bytes");
  EXPECT_NE(error_of(&Parameters::negative_prompt, std::string(10001, 'a')), "");
}

}  // namespace
}  // namespace streamdiffusion
