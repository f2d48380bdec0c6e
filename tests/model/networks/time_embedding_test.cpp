#include "model/networks/time_embedding.h"

#include <gtest/gtest.h>

namespace streamdiffusion {
namespace {

void expect_near(const std::vector<float>& values, const std::vector<float>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_NEAR(values[i], expected[i], 2e-6F) << i;
  }
}

// The expected values come from diffusers.
TEST(TimeEmbedding, TimestepEmbeddingIsThatOfDiffusers) {
  expect_near(timestep_embedding(999, 6, true, 0),
              {0.999649823F, -0.728673339F, -0.549264669F, -0.026460752F, 0.684861422F, 0.835648477F});
}

TEST(TimeEmbedding, ShiftsFrequenciesAndPadsOddWidths) {
  expect_near(timestep_embedding(37, 7, false, 1),
              {-0.643538117F, 0.361615449F, 0.003699991F, 0.765414059F, 0.932327330F, 0.999993145F, 0.0F});
}

TEST(TimeEmbedding, GuidanceScaleEmbeddingIsThatOfDiffusers) {
  expect_near(guidance_scale_embedding(7.5F, 6),
              {-0.851235867F, -0.387781650F, 0.681638718F, -0.524783254F, 0.921751261F, 0.731688917F});
}

}  // namespace
}  // namespace streamdiffusion
