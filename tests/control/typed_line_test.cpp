#include "control/typed_line.h"

#include <gtest/gtest.h>

#include "control/settings_json.h"

namespace streamdiffusion {
namespace {

std::string change(std::string_view line) {
  const TypedLine typed = parse_typed_line(line);
  return typed.kind == TypedLine::Kind::change ? typed.fields.dump() : "no change";
}

std::string error_of(std::string_view line) {
  try {
    parse_typed_line(line);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(TypedLine, ALineIsAPrompt) {
  EXPECT_EQ(change("  a red apple "), R"({"prompt":"a red apple"})");
  EXPECT_EQ(change("42"), R"({"prompt":"42"})");
  EXPECT_EQ(change("//etc"), R"({"prompt":"/etc"})");
  EXPECT_EQ(parse_typed_line(" \t").kind, TypedLine::Kind::nothing);
}

TEST(TypedLine, ASlashNamesASetting) {
  EXPECT_EQ(change("/strength 0.5"), R"({"strength":0.5})");
  EXPECT_EQ(change("/seed -1"), R"({"seed":-1})");
  EXPECT_EQ(change("/cfg-type full"), R"({"cfg_type":"full"})");
  EXPECT_EQ(change("/cross_frame_attention on"), R"({"cross_frame_attention":true})");
  EXPECT_EQ(change("/do-add-noise false"), R"({"do_add_noise":false})");
  EXPECT_EQ(change("/guidance_embedding none"), R"({"guidance_embedding":null})");
  EXPECT_EQ(change("/negative-prompt blurry, dark"), R"({"negative_prompt":"blurry, dark"})");
  EXPECT_EQ(change("/negative_prompt"), R"({"negative_prompt":""})");
}

TEST(TypedLine, AListIsWrittenAsPeopleDo) {
  for (const char* line : {"/t_index_list [16, 32]", "/t_index_list 16,32", "/t-index-list  16 32"}) {
    EXPECT_EQ(change(line), R"({"t_index_list":[16,32]})") << line;
  }
  EXPECT_EQ(change("/t_index_list 16"), R"({"t_index_list":[16]})");
  EXPECT_EQ(change("/t_index_list []"), R"({"t_index_list":[]})");
}

TEST(TypedLine, ALoraHasItsScale) {
  EXPECT_EQ(change("/lora water colour 0.7"), R"({"loras":{"water colour":0.7}})");
  EXPECT_EQ(change("/loras {\"style\": 0}"), R"({"loras":{"style":0}})");
  EXPECT_NE(error_of("/lora style").find("scale"), std::string::npos);
  EXPECT_NE(error_of("/lora").find("scale"), std::string::npos);
}

TEST(TypedLine, AsksForHelpAndTheEnd) {
  EXPECT_EQ(parse_typed_line("/help").kind, TypedLine::Kind::help);
  EXPECT_EQ(parse_typed_line("/show").kind, TypedLine::Kind::show);
  EXPECT_EQ(parse_typed_line(" /quit ").kind, TypedLine::Kind::quit);
}

TEST(TypedLine, RefusesWhatItDoesNotKnow) {
  EXPECT_NE(error_of("/colour red").find("/colour"), std::string::npos);
  EXPECT_NE(error_of("/").find("/help"), std::string::npos);
  EXPECT_NE(error_of("/strength").find("value"), std::string::npos);
  EXPECT_NE(error_of("caf\xE9").find("UTF-8"), std::string::npos);
}

TEST(TypedLine, WhatMakesNoSenseAsAValueIsLeftToTheSettings) {
  for (const char* line :
       {"/strength much", "/strength [1", "/t_index_list a b", "/t_index_list 3 x", "/seed {}"}) {
    Settings settings;
    EXPECT_THROW(apply_json(parse_typed_line(line).fields, settings), FieldError) << line;
  }
}

TEST(TypedLine, TheHelpNamesEverySetting) {
  const std::string help = typed_line_help();
  const nlohmann::json all = to_json(Settings{});
  for (const auto& item : all.items()) {
    EXPECT_NE(help.find("/" + item.key()), std::string::npos) << item.key();
  }
}

}  // namespace
}  // namespace streamdiffusion
