// Tests that the text in a written image has every setting that the image was made with.

#include "cli/setting_values.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "control/settings_json.h"
#include "settings/setting.h"

namespace streamdiffusion {
namespace {

using Json = nlohmann::ordered_json;

/// Returns a value of a setting that is not its default.
struct OtherValue {
  const Json& value;

  Json operator()(const FlagSetting& /*type*/) const { return !value.get<bool>(); }
  Json operator()(const IntegerSetting& /*type*/) const { return value.get<int>() + 1; }
  Json operator()(const NumberSetting& /*type*/) const { return value.get<double>() / 2 + 0.125; }
  Json operator()(const OptionalNumberSetting& /*type*/) const { return 7.5; }
  Json operator()(const TextSetting& /*type*/) const { return "dog"; }
  Json operator()(const ChoiceSetting& type) const {
    return type.names.front() == value ? type.names.back() : type.names.front();
  }
  Json operator()(const PromptSetting& /*type*/) const { return "cat"; }
  Json operator()(const PromptsSetting& /*type*/) const { return {{{"text", "owl"}, {"weight", 0.7}}}; }
  Json operator()(const SeedSetting& /*type*/) const { return value.get<unsigned>() + 1; }
  Json operator()(const SeedsSetting& /*type*/) const { return {{{"seed", 3U}, {"weight", 0.5}}}; }
  Json operator()(const IndicesSetting& /*type*/) const { return {7, 30}; }
  Json operator()(const LorasSetting& /*type*/) const { return Json::object(); }
};

TEST(SettingValues, ChangeWithEachSetting) {
  const auto defaults = cli::setting_values(Settings{});
  for (const Setting& setting : settings_table()) {
    if (std::holds_alternative<LorasSetting>(setting.type)) {
      continue;  // The description has the files of --lora.
    }
    SCOPED_TRACE(setting.name);
    const std::string name(setting.name);
    Settings settings;
    apply_json({{name, std::visit(OtherValue{to_json(settings)[name]}, setting.type)}}, settings);
    ASSERT_NE(settings, Settings{});
    EXPECT_NE(cli::setting_values(settings), defaults);
  }
}

TEST(SettingValues, HaveTheFormOfOptions) {
  Settings settings;
  apply_json({{"do_add_noise", false}, {"guidance_scale", 1.2}, {"cfg_type", "full"}}, settings);
  const auto values = cli::setting_values(settings);
  EXPECT_EQ(values["no-added-noise"], true);
  EXPECT_EQ(values["cross-frame-attention"], false);
  EXPECT_EQ(values["guidance-scale"], 1.2);
  EXPECT_EQ(values["cfg-type"], "full");
  EXPECT_FALSE(values.contains("guidance-embedding"));
}

TEST(SettingValues, LeaveOutWhatIsReplaced) {
  Settings settings;
  EXPECT_EQ(cli::setting_values(settings)["seed"], 2);
  EXPECT_EQ(cli::setting_values(settings)["steps"], 2);
  EXPECT_FALSE(cli::setting_values(settings).contains("t-index-list"));
  settings.parameters.seeds = {{3, 2.0F}, {5, 0.7F}};
  settings.parameters.prompts = {{"owl", 1.0F}};
  settings.parameters.t_index_list = {7, 30};
  const auto values = cli::setting_values(settings);
  EXPECT_EQ(values["seed"], Json({"3:2", "5:0.7"}));
  EXPECT_EQ(values["prompt"], Json({"owl:1"}));
  EXPECT_EQ(values["t-index-list"], Json({7, 30}));
  EXPECT_FALSE(values.contains("steps"));
  EXPECT_FALSE(values.contains("strength"));
}

}  // namespace
}  // namespace streamdiffusion
