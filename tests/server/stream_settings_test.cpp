#include "server/stream_settings.h"

#include <gtest/gtest.h>

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
