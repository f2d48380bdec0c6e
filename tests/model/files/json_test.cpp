#include "model/files/json.h"

#include <gtest/gtest.h>

#include "model/errors.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

TEST(Json, PythonsConstantsAreTexts) {
  const json parsed = parse_json_object(
      R"({"a": NaN, "b": [Infinity, -Infinity,NaN], "c": {"d":-Infinity}, "e": -1.5})", "file");
  EXPECT_EQ(parsed["a"], "NaN");
  EXPECT_EQ(parsed["b"], json({"Infinity", "-Infinity", "NaN"}));
  EXPECT_EQ(parsed["c"]["d"], "-Infinity");
  EXPECT_EQ(parsed["e"], -1.5);
  EXPECT_EQ(parse_json("NaN", "file"), "NaN");
}

TEST(Json, TextsThatHoldPythonsConstantsStay) {
  for (const char* const text :
       {R"("NaN")", R"("a NaN b")", R"("\"NaN")", R"("\\")", R"({"Infinity":[NaN]})"}) {
    const json parsed = parse_json(text, "file");
    EXPECT_EQ(parsed,
              json::parse(std::string(text) == R"({"Infinity":[NaN]})" ? R"({"Infinity":["NaN"]})" : text))
        << text;
  }
}

TEST(Json, OfARepeatedKeyTheLastValueCounts) {
  const json parsed = parse_json_object(R"({"a":1,"b":{"c":2,"c":3},"a":4})", "file");
  EXPECT_EQ(parsed, json::parse(R"({"a":4,"b":{"c":3}})"));
}

TEST(Json, WhatPythonRefusesIsRefused) {
  for (const char* const text : {"", "{", "nan", "inf", "-NaN", "+Infinity", "1NaN", "NaN1", "NaNNaN", "[NaN",
                                 "Infinit", "{\"a\":\"\xff\"}", "{} {}", "\"NaN"}) {
    SCOPED_TRACE(text);
    expect_error([&] { parse_json(text, "file"); }, {"file: is not valid JSON"});
  }
  expect_error([] { parse_json(std::string(1000, '['), "file"); }, {"nested deeper"});
}

TEST(Json, AStrictFormatAllowsNeither) {
  expect_error([] { parse_strict_json_object(R"({"a":NaN})", "file"); }, {"file", "JSON"});
  expect_error([] { parse_strict_json_object(R"({"a":{"b":1,"b":2}})", "file"); }, {"\"b\" occurs twice"});
}

}  // namespace
}  // namespace streamdiffusion
