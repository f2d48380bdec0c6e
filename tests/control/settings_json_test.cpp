#include "control/settings_json.h"

#include <gtest/gtest.h>

#include <string>

namespace streamdiffusion {
namespace {

using Json = nlohmann::json;

Settings applied(const char* json, Settings settings = {}) {
  apply_json(Json::parse(json), settings);
  return settings;
}

/// The field that the FieldError names; empty if none is thrown.
std::string wrong_field(const char* json) {
  Settings settings;
  settings.parameters.lora_scales = {{"style", 1.0F}};
  const Settings before = settings;
  try {
    apply_json(Json::parse(json), settings);
  } catch (const FieldError& error) {
    EXPECT_EQ(settings, before) << json;
    EXPECT_NE(std::string(error.what()).find('"' + error.field() + '"'), std::string::npos) << error.what();
    return error.field();
  }
  return "";
}

TEST(SettingsJson, LeavesFieldsAloneThatAreNotGiven) {
  Settings settings;
  settings.parameters.prompt = "cat";
  settings.parameters.seed = 9;
  const Settings changed = applied(R"({"seed": 3, "cfg_type": "full"})", settings);
  EXPECT_EQ(changed.parameters.prompt, "cat");
  EXPECT_EQ(changed.parameters.seed, 3U);
  EXPECT_EQ(changed.parameters.cfg_type, CfgType::full);
}

TEST(SettingsJson, TakesIntegersThatAreWrittenOtherwise) {
  const Settings changed =
      applied(R"({"steps": 2.0, "seed": 1e3, "t_index_list": [4.0, 20], "max_skip_frame": -0.0})");
  EXPECT_EQ(changed.steps, 2);
  EXPECT_EQ(changed.parameters.seed, 1000U);
  EXPECT_EQ(changed.parameters.t_index_list, (std::vector{4, 20}));
  EXPECT_EQ(changed.parameters.similarity_filter.max_skip_frame, 0);
  EXPECT_EQ(applied(R"({"seeds": [{"seed": 5.0}]})").parameters.seeds.at(0).seed, 5U);
  EXPECT_EQ(wrong_field(R"({"steps": 2.5})"), "steps");
  EXPECT_EQ(wrong_field(R"({"steps": 1e300})"), "steps");
  EXPECT_EQ(wrong_field(R"({"steps": 18446744073709551615})"), "steps");
  EXPECT_EQ(wrong_field(R"({"seed": -2.0})"), "seed");
  EXPECT_EQ(wrong_field(R"({"seed": 1e17})"), "seed") << "a double has no unit there";
}

TEST(SettingsJson, ReadsWhatItWrites) {
  Settings settings;
  settings.parameters.prompt = "größer 🐧";
  settings.parameters.prompts = {{"owl", 0.7F}, {"cat", 0.3F}};
  settings.parameters.prompt_blend = Blend::slerp;
  settings.parameters.prompt_transition = 2.5F;
  settings.parameters.seeds = {{3, 1.0F}, {18446744073709551615U, 0.2F}};
  settings.parameters.seed_transition = 1.0F;
  settings.parameters.negative_prompt = "blurry";
  settings.strength = 0.25F;
  settings.steps = 4;
  settings.parameters.t_index_list = {3, 20, 40};
  settings.parameters.do_add_noise = false;
  settings.parameters.cfg_type = CfgType::initialize;
  settings.parameters.guidance_scale = 1.5F;
  settings.parameters.delta = 0.5F;
  settings.parameters.guidance_embedding = 7.0F;
  settings.parameters.seed = 18446744073709551615U;
  settings.parameters.cross_frame_attention = true;
  settings.parameters.similarity_filter.threshold = 0.9F;
  settings.parameters.similarity_filter.max_skip_frame = 3;
  settings.parameters.lora_scales = {{"style", 0.5F}, {"detail", -1.0F}};
  Settings read;
  read.parameters.lora_scales = {{"style", 1.0F}, {"detail", 1.0F}};
  apply_json(Json::parse(to_json(settings).dump()), read);
  EXPECT_EQ(read, settings);
}

TEST(SettingsJson, WritesNumbersAsPeopleDo) { EXPECT_EQ(to_json(Settings{})["strength"].dump(), "0.5"); }

TEST(SettingsJson, ChangesTheLorasThatItNames) {
  Settings settings;
  settings.parameters.lora_scales = {{"style", 1.0F}, {"detail", 0.3F}};
  const Settings changed = applied(R"({"loras": {"style": 0}})", settings);
  EXPECT_EQ(changed.parameters.lora_scales, (std::vector<LoraScale>{{"style", 0.0F}, {"detail", 0.3F}}));
}

TEST(SettingsJson, BlendsPromptsAndSeeds) {
  const Settings changed = applied(
      R"({"prompts": [{"text": "owl", "weight": 2}, {"text": "cat"}], "seeds": [{"seed": 4}, {"seed": 5}]})");
  EXPECT_EQ(changed.parameters.prompts, (std::vector<WeightedPrompt>{{"owl", 2.0F}, {"cat", 1.0F}}));
  EXPECT_EQ(changed.parameters.seeds, (std::vector<WeightedSeed>{{4, 1.0F}, {5, 1.0F}}));
}

TEST(SettingsJson, OnePromptOrSeedTakesThePlaceOfSeveral) {
  Settings settings;
  settings.parameters.prompts = {{"owl", 1.0F}, {"cat", 1.0F}};
  settings.parameters.seeds = {{1, 1.0F}, {2, 1.0F}};
  EXPECT_TRUE(applied(R"({"prompt": "dog"})", settings).parameters.prompts.empty());
  EXPECT_TRUE(applied(R"({"seed": 3})", settings).parameters.seeds.empty());
  EXPECT_EQ(applied(R"({"steps": 3})", settings).parameters.prompts.size(), 2U);
}

TEST(SettingsJson, RefusesBlendsThatAreNone) {
  for (const char* const json :
       {R"({"prompts": "owl"})", R"({"prompts": ["owl"]})", R"({"prompts": [{"text": 3}]})",
        R"({"prompts": [{"text": "owl", "weight": -1}]})", R"({"prompts": [{"text": "owl", "weight": 0}]})",
        R"({"prompts": [{"text": "owl", "weight": null}]})", R"({"prompts": [{"weight": 1}]})",
        R"({"prompts": [{"text": "owl", "wieght": 1}]})"}) {
    EXPECT_EQ(wrong_field(json), "prompts") << json;
  }
  EXPECT_EQ(wrong_field(R"({"seeds": [{"seed": 1.5}]})"), "seeds");
  EXPECT_EQ(wrong_field(R"({"seeds": [{"seed": -2}]})"), "seeds");
  EXPECT_EQ(wrong_field(R"({"prompt_blend": "sphere"})"), "prompt_blend");
  EXPECT_EQ(wrong_field(R"({"prompt_transition": -1})"), "prompt_transition");
  EXPECT_EQ(wrong_field(R"({"seed_transition": "1"})"), "seed_transition");
  Json many = Json::array();
  for (int i = 0; i < 17; ++i) {
    many.push_back({{"text", "owl"}});
  }
  EXPECT_EQ(wrong_field(Json{{"prompts", many}}.dump().c_str()), "prompts");
}

TEST(SettingsJson, DrawsASeedWhereItIsMinusOne) {
  const Settings a = applied(R"({"seed": -1})");
  const Settings b = applied(R"({"seed": -1})");
  const Settings c = applied(R"({"seed": -1})");
  EXPECT_FALSE(a.parameters.seed == b.parameters.seed && b.parameters.seed == c.parameters.seed);
}

TEST(SettingsJson, NamesTheFieldThatIsWrongAndChangesNothing) {
  EXPECT_EQ(wrong_field(R"({"prompt": "x", "colour": 1})"), "colour");
  EXPECT_EQ(wrong_field(R"({"prompt": 1})"), "prompt");
  EXPECT_EQ(wrong_field(R"({"prompt": "x", "strength": 0})"), "strength");
  EXPECT_EQ(wrong_field(R"({"strength": 1.01})"), "strength");
  EXPECT_EQ(wrong_field(R"({"strength": "0.5"})"), "strength");
  EXPECT_EQ(wrong_field(R"({"steps": 1.5})"), "steps");
  EXPECT_EQ(wrong_field(R"({"steps": 18446744073709551615})"), "steps");
  EXPECT_EQ(wrong_field(R"({"steps": -1})"), "steps");
  EXPECT_EQ(wrong_field(R"({"t_index_list": [4, 4]})"), "t_index_list");
  EXPECT_EQ(wrong_field(R"({"t_index_list": [50]})"), "t_index_list");
  EXPECT_EQ(wrong_field(R"({"t_index_list": 1})"), "t_index_list");
  EXPECT_EQ(wrong_field(R"({"cfg_type": "half"})"), "cfg_type");
  EXPECT_EQ(wrong_field(R"({"cfg_type": 3})"), "cfg_type");
  EXPECT_EQ(wrong_field(R"({"guidance_scale": 1e300})"), "guidance_scale");
  EXPECT_EQ(wrong_field(R"({"do_add_noise": 1})"), "do_add_noise");
  EXPECT_EQ(wrong_field(R"({"seed": -2})"), "seed");
  EXPECT_EQ(wrong_field(R"({"seed": 1.5})"), "seed");
  EXPECT_EQ(wrong_field(R"({"guidance_embedding": "w"})"), "guidance_embedding");
  EXPECT_EQ(wrong_field(R"({"loras": {"style": 1, "other": 1}})"), "loras");
  EXPECT_EQ(wrong_field(R"({"loras": {"style": null}})"), "loras");
  EXPECT_EQ(wrong_field(R"([])"), "settings");
}

TEST(SettingsJson, ComplainsWhereMoreStepsAreAskedForThanTheStrengthLeavesRoomFor) {
  EXPECT_EQ(wrong_field(R"({"strength": 0.02, "steps": 4})"), "steps");
  EXPECT_EQ(wrong_field(R"({"strength": 0.02, "steps": 1})"), "");
}

TEST(SettingsJson, BlamesTheScheduleWhereStrengthLimitsNoSteps) {
  Settings settings;
  try {
    apply_json({{"strength", 1}, {"steps", 51}}, settings);
    ADD_FAILURE() << "taken";
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), "steps");
    EXPECT_NE(std::string(error.what()).find("num_inference_steps"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find("strength"), std::string::npos) << error.what();
  }
}

TEST(SettingsJson, LimitsThePromptsLength) {
  Settings settings;
  apply_json({{"prompt", std::string(10000, 'a')}}, settings);
  EXPECT_EQ(settings.parameters.prompt.size(), 10000U);
  EXPECT_THROW(apply_json({{"prompt", std::string(10001, 'a')}}, settings), FieldError);
}

}  // namespace
}  // namespace streamdiffusion
