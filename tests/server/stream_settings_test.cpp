#include "server/stream_settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "control/settings_json.h"

namespace streamdiffusion::server {
namespace {

using Json = nlohmann::json;

std::string wrong_field(const char* json) {
  StreamSettings settings;
  try {
    apply_json(Json::parse(json), 512, settings);
  } catch (const FieldError& error) {
    EXPECT_EQ(settings, StreamSettings{}) << json;
    return error.field();
  }
  return "";
}

TEST(StreamSettings, ReadWhatTheyWrite) {
  StreamSettings settings;
  apply_json(
      Json::parse(R"({"model": "sd", "width": 256, "height": 128, "frame_buffer": 2, "denoising_batch": false,
                             "fit": "pad", "format": "webp", "quality": 70})"),
      512, settings);
  EXPECT_EQ(settings.width, 256);
  EXPECT_EQ(settings.fit, Fit::pad);
  EXPECT_FALSE(settings.denoising_batch);
  StreamSettings again;
  apply_json(to_json(settings), 512, again);
  EXPECT_EQ(again, settings);
}

/// The error for a value that no setting permits.
std::string error_of(const std::string& field) {
  StreamSettings settings;
  try {
    apply_json({{field, Json::array()}}, 512, settings);
  } catch (const FieldError& error) {
    EXPECT_EQ(error.field(), field);
    return error.what();
  }
  return "";
}

/// The rows of the tables in docs/server.md.
std::vector<std::string> documented_fields() {
  std::ifstream file(std::filesystem::path(PROJECT_FOLDER) / "docs/server.md");
  EXPECT_TRUE(file);
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `")) {
      rows.push_back(line);
    }
  }
  return rows;
}

TEST(StreamSettings, AreEachReadWrittenAndRefusedAlone) {
  StreamSettings settings;
  settings.width = 256;
  settings.height = 128;
  const Json written = to_json(settings);
  EXPECT_EQ(written.size(), 8U);
  for (const auto& [field, value] : written.items()) {
    SCOPED_TRACE(field);
    StreamSettings read = settings;
    apply_json({{field, value}}, 512, read);
    EXPECT_EQ(read, settings);
    EXPECT_NE(error_of(field).find("must be "), std::string::npos) << error_of(field);
  }
}

TEST(StreamSettings, AreEachInTheDocumentation) {
  const std::vector<std::string> rows = documented_fields();
  const Json defaults = to_json(StreamSettings{});
  for (const auto& [field, value] : defaults.items()) {
    SCOPED_TRACE(field);
    const auto row = std::ranges::find_if(rows, [&name = field](const std::string& text) {
      return text.find("`" + name + "`") < text.find(" | ");
    });
    ASSERT_NE(row, rows.end());
    const std::string error = error_of(field);
    const std::size_t range = error.find("an integer from ");
    if (range != std::string::npos && field != "width" && field != "height") {
      EXPECT_NE(row->find(error.substr(range + 16)), std::string::npos) << error << "\n" << *row;
      EXPECT_TRUE(row->ends_with("| " + value.dump() + " |")) << *row;
    }
  }
}

TEST(StreamSettings, AreEachDescribedWithRangeDefaultAndHelp) {
  const StreamSettings defaults;
  const Json schema = stream_schema(defaults, 512);
  const Json values = to_json(defaults);
  ASSERT_EQ(schema.size(), values.size());
  for (const auto& [field, value] : values.items()) {
    SCOPED_TRACE(field);
    EXPECT_EQ(schema.at(field).at("default"), value);
    EXPECT_NE(schema.at(field).at("description"), "");
  }
  EXPECT_EQ(schema["width"]["maximum"], 512);
  EXPECT_EQ(schema["quality"]["minimum"], 1);
  EXPECT_EQ(schema["denoising_batch"]["type"], "boolean");
  EXPECT_EQ(schema["fit"]["enum"], Json({"crop", "pad", "stretch"}));
  EXPECT_EQ(schema["format"]["enum"], Json({"jpeg", "webp", "png"}));
}

TEST(StreamSettings, NameTheFieldThatIsWrongAndChangeNothing) {
  EXPECT_EQ(wrong_field(R"({"width": 520})"), "width");
  EXPECT_EQ(wrong_field(R"({"height": 0})"), "height");
  EXPECT_EQ(wrong_field(R"({"height": "128"})"), "height");
  EXPECT_EQ(wrong_field(R"({"height": 18446744073709551615})"), "height");
  EXPECT_EQ(wrong_field(R"({"quality": 90, "frame_buffer": 17})"), "frame_buffer");
  EXPECT_EQ(wrong_field(R"({"fit": "fill"})"), "fit");
  EXPECT_EQ(wrong_field(R"({"format": "gif"})"), "format");
  EXPECT_EQ(wrong_field(R"({"denoising_batch": 1})"), "denoising_batch");
  EXPECT_EQ(wrong_field(R"({"quality": 0})"), "quality");
  EXPECT_EQ(wrong_field(R"({"model": null})"), "model");
  EXPECT_EQ(wrong_field(R"({"colour": 1})"), "colour");
  EXPECT_EQ(wrong_field("3"), "stream");
}

}  // namespace
}  // namespace streamdiffusion::server
