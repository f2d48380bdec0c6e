#include "server/images_request.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using Json = nlohmann::json;

Order order(const char* fields) {
  Json json = Json::parse(fields);
  json["prompt"] = "boat";
  return read_order(json);
}

std::string param_of(const char* fields) {
  try {
    order(fields);
  } catch (const RefusedRequest& refused) {
    return refused.param();
  }
  return "";
}

TEST(ImagesRequest, TakesIntegersHoweverTheyAreWritten) {
  EXPECT_EQ(order(R"({"n": 2.0})").count, 2);
  EXPECT_EQ(order(R"({"stream": true, "partial_images": 3.0})").partial_images, 3);
  EXPECT_EQ(param_of(R"({"n": 2.5})"), "n");
}

TEST(ImagesRequest, AcceptsWhatAsksForNothingSpecial) {
  EXPECT_FALSE(order(R"({"stream": false, "partial_images": 0, "background": "auto", "quality": "high",
                         "moderation": "low", "user": "me", "style": null, "partial_images": null})")
                   .is_streamed);
}

TEST(ImagesRequest, NamesWhatItCannotDo) {
  EXPECT_EQ(param_of(R"({"stream": "yes"})"), "stream");
  EXPECT_EQ(param_of(R"({"partial_images": 2})"), "partial_images");
  EXPECT_EQ(param_of(R"({"stream": true, "partial_images": 4})"), "partial_images");
  EXPECT_EQ(param_of(R"({"stream": true, "response_format": "url"})"), "response_format");
  EXPECT_EQ(param_of(R"({"background": "transparent"})"), "background");
}

TEST(ImagesRequest, AnEditDrawsEachImageByItself) {
  const Order edit = read_edit_order({{"prompt", "boat"}, {"similarity_threshold", 0.9}}, {{1}, {2}});
  EXPECT_EQ(edit.inputs.size(), 2U);
  EXPECT_EQ(edit.stream["denoising_batch"], false);
  EXPECT_EQ(edit.settings["similarity_threshold"], 0.9);
  EXPECT_EQ(edit.settings["prompt_transition"], 0);
  EXPECT_THROW(read_edit_order({{"prompt", "boat"}, {"n", 6}}, {{1}, {2}}), RefusedRequest);
}

TEST(ImagesRequest, NoStrengthLimitsTheStepsOfAnImageAfterAPrompt) {
  EXPECT_EQ(order(R"({"steps": 50})").settings["strength"], 1);
  EXPECT_EQ(order(R"({"strength": 0.5})").settings["strength"], 0.5);
  EXPECT_FALSE(read_edit_order({{"prompt", "boat"}}, {{1}}).settings.contains("strength"));
}

}  // namespace
}  // namespace streamdiffusion::server
