#include "control/settings_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "control/settings_json.h"

namespace streamdiffusion {
namespace {

using Json = nlohmann::json;

TEST(SettingsSchema, DescribesAllSettings) {
  const Json schema = settings_schema();
  const Json settings = to_json(Settings{});
  EXPECT_EQ(schema.size(), settings.size());
  for (const auto& [name, value] : settings.items()) {
    ASSERT_TRUE(schema.contains(name)) << name;
    EXPECT_EQ(schema[name]["default"], value) << name;
    EXPECT_FALSE(schema[name]["description"].get<std::string>().empty()) << name;
  }
}

TEST(SettingsSchema, HasTheRanges) {
  const Json schema = settings_schema();
  EXPECT_EQ(schema["steps"]["type"], "integer");
  EXPECT_EQ(schema["steps"]["minimum"], 1);
  EXPECT_EQ(schema["steps"]["maximum"], 1000);
  EXPECT_EQ(schema["strength"]["exclusiveMinimum"], 0);
  EXPECT_EQ(schema["strength"]["maximum"], 1);
  EXPECT_FALSE(schema["strength"].contains("minimum"));
  EXPECT_EQ(schema["guidance_embedding"]["type"], (Json{"number", "null"}));
  EXPECT_EQ(schema["cfg_type"]["enum"], (Json{"none", "full", "self", "initialize"}));
  EXPECT_EQ(schema["loras"]["additionalProperties"]["minimum"], -1000);
  EXPECT_EQ(schema["prompts"]["items"]["properties"]["weight"]["maximum"], 1000);
  EXPECT_EQ(schema["t_index_list"]["items"]["maximum"], 999);
  EXPECT_EQ(schema["prompt_transition"]["unit"], "seconds");
}

TEST(SettingsSchema, HasEndsThatAreTakenAndNeighboursThatAreNot) {
  int tried = 0;
  const Json schema = settings_schema();
  for (const auto& [name, entry] : schema.items()) {
    if (!entry.contains("maximum")) {
      continue;
    }
    Settings settings{.strength = 1, .steps = 1};
    settings.parameters.num_inference_steps = 1000;
    const double step = entry["type"] == "integer" ? 1 : 0.01;
    EXPECT_NO_THROW(apply_json({{name, entry["maximum"]}}, settings)) << name;
    EXPECT_THROW(apply_json({{name, entry["maximum"].get<double>() + step}}, settings), FieldError) << name;
    const bool excludes = entry.contains("exclusiveMinimum");
    const double low = entry[excludes ? "exclusiveMinimum" : "minimum"];
    EXPECT_THROW(apply_json({{name, excludes ? low : low - step}}, settings), FieldError) << name;
    ++tried;
  }
  EXPECT_GE(tried, 10);
}

}  // namespace
}  // namespace streamdiffusion
