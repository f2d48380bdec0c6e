#include "stream/similarity_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace streamdiffusion {
namespace {

SimilarityFilterParameters parameters(float threshold, int max_skip_frame) {
  return {.enabled = true, .threshold = threshold, .max_skip_frame = max_skip_frame};
}

/// Decides on `frames` equal frames: "1" for each that passes, "0" for each that is skipped.
std::string decisions(const SimilarityFilterParameters& with, double similarity, double draw, int frames) {
  SimilarityFilter filter;
  std::string kept;
  for (int i = 0; i < frames; ++i) {
    kept += filter.decide(with, similarity, draw) ? '1' : '0';
  }
  return kept;
}

TEST(SimilarityFilter, SkipsWithAProbabilityThatGrowsFromTheThresholdToOne) {
  const auto with = parameters(0.5F, 100);
  SimilarityFilter filter;
  EXPECT_TRUE(filter.decide(with, 0.75, 0.51));  // Skipped with probability 1/2.
  EXPECT_FALSE(filter.decide(with, 0.75, 0.49));
  EXPECT_TRUE(filter.decide(with, 0.4, 0.0));     // Below the threshold.
  EXPECT_FALSE(filter.decide(with, 1.0, 0.999));  // The same frame again.
}

TEST(SimilarityFilter, NeverSkipsAtThresholdOne) {
  EXPECT_EQ(decisions(parameters(1.0F, 3), 1.0, 0.0, 5), "11111");
}

TEST(SimilarityFilter, ForcesAFrameAfterMoreThanMaxSkipFrameSkips) {
  EXPECT_EQ(decisions(parameters(0.9F, 2), 1.0, 0.5, 9), "000100010");
  EXPECT_EQ(decisions(parameters(0.9F, 0), 1.0, 0.5, 5), "01010");
}

TEST(SimilarityFilter, OnlyAForcedPassStartsTheCountOfSkipsAnew) {
  const auto with = parameters(0.9F, 1);
  SimilarityFilter filter;
  EXPECT_FALSE(filter.decide(with, 1.0, 0.5));
  EXPECT_TRUE(filter.decide(with, 0.0, 0.5));  // Passes by similarity, which does not reset the count.
  EXPECT_FALSE(filter.decide(with, 1.0, 0.5));
  EXPECT_TRUE(filter.decide(with, 1.0, 0.5));  // A third skipped frame would exceed the limit.
  EXPECT_FALSE(filter.decide(with, 1.0, 0.5));
}

TEST(SimilarityFilter, ForcedFramesMustPassUntilTheyHavePassed) {
  SimilarityFilter filter;
  filter.force(2);
  EXPECT_TRUE(filter.must_pass());
  filter.record_pass();
  filter.force(1);  // Has no effect because more frames are forced already.
  EXPECT_TRUE(filter.must_pass());
  filter.record_pass();
  EXPECT_FALSE(filter.must_pass());
  filter.record_pass();
  EXPECT_FALSE(filter.must_pass());
}

TEST(UniformGenerator, DrawsTheSameNumbersFromTheSameSeedWithinZeroAndOne) {
  UniformGenerator first(3);
  UniformGenerator second(3);
  UniformGenerator other(4);
  bool differs = false;
  for (int i = 0; i < 1000; ++i) {
    const double value = first();
    EXPECT_EQ(value, second());
    EXPECT_TRUE(value >= 0 && value < 1);
    differs = differs || value != other();
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace streamdiffusion
