#include "server/images_plan.h"

#include <gtest/gtest.h>

namespace streamdiffusion::server {
namespace {

using Json = nlohmann::json;
using Steps = std::vector<std::size_t>;

Settings with_steps(int steps) {
  Settings settings;
  settings.steps = steps;
  settings.parameters.seed = 7;
  return settings;
}

/// The number of denoising steps of each image; 0 means all.
Steps steps_of(const std::vector<PlannedImage>& images) {
  Steps steps;
  for (const PlannedImage& image : images) {
    steps.push_back(image.settings.contains("t_index_list") ? image.settings["t_index_list"].size() : 0);
  }
  return steps;
}

TEST(ImagesPlan, WithoutPartialImagesTheStepsStayAsTheyAre) {
  const std::vector<PlannedImage> images = plan_images(with_steps(4), 0, 2, 0);
  EXPECT_EQ(steps_of(images), (Steps{0, 0}));
  EXPECT_EQ(images[1].variation, 1);
  EXPECT_FALSE(images[1].partial);
}

TEST(ImagesPlan, PartialImagesAreSpreadOverTheSteps) {
  EXPECT_EQ(steps_of(plan_images(with_steps(4), 0, 1, 3)), (Steps{1, 2, 3, 4}));
  EXPECT_EQ(steps_of(plan_images(with_steps(4), 0, 1, 1)), (Steps{2, 4}));
  EXPECT_EQ(steps_of(plan_images(with_steps(2), 0, 1, 3)), (Steps{1, 2})) << "at most one a step";
  EXPECT_EQ(steps_of(plan_images(with_steps(1), 0, 1, 3)), (Steps{0})) << "nothing comes before one step";
}

TEST(ImagesPlan, PartialImagesTakeTheFirstStepsOfTheSameImage) {
  const std::vector<PlannedImage> images = plan_images(with_steps(4), 0, 2, 1);
  ASSERT_EQ(images.size(), 4U);
  EXPECT_EQ(images[0].partial, 0);
  EXPECT_EQ(images[2].partial, 0);
  EXPECT_EQ(images[2].variation, images[3].variation);
  const Json& first = images[0].settings["t_index_list"];
  const Json& all = images[1].settings["t_index_list"];
  EXPECT_EQ(first, Json({all[0], all[1]}));
}

TEST(ImagesPlan, EachImageIsDrawnAsOftenAsAskedWithRisingSeeds) {
  const std::vector<PlannedImage> images = plan_images(with_steps(1), 2, 2, 0);
  ASSERT_EQ(images.size(), 4U);
  EXPECT_EQ(images[1].input, 0U);
  EXPECT_EQ(images[1].settings["seed"], 8);
  EXPECT_EQ(images[2].input, 1U);
  EXPECT_EQ(images[2].settings["seed"], 7);
  EXPECT_TRUE(plan_images(with_steps(1), 1, 1, 0)[0].settings.empty());
}

TEST(ImagesPlan, BlendedSeedsRiseTogether) {
  Settings settings = with_steps(1);
  settings.parameters.seeds = {{3, 0.5F}, {5, 1.0F}};
  const std::vector<PlannedImage> images = plan_images(settings, 1, 2, 0);
  EXPECT_EQ(images[1].settings,
            Json::parse(R"({"seeds": [{"seed": 4, "weight": 0.5}, {"seed": 6, "weight": 1.0}]})"));
}

}  // namespace
}  // namespace streamdiffusion::server
