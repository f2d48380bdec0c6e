#include "bench/scene.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "bench/hard_threshold.h"

namespace streamdiffusion::bench {
namespace {

/// The number of a video's frames that pass a hard threshold.
std::int64_t passed(Motion motion, std::int64_t frames) {
  HardThreshold filter(0.98);
  const std::vector<Frame> video = Scene(64, 64, motion).frames(frames);
  return std::ranges::count_if(video, [&filter](const Frame& frame) { return filter.keep(frame); });
}

TEST(Scene, IsTheSameForTheSameSeed) {
  const Scene scene(32, 16, Motion::always, 3);
  EXPECT_EQ(scene.frame(7).pixels, Scene(32, 16, Motion::always, 3).frame(7).pixels);
  EXPECT_NE(scene.frame(7).pixels, Scene(32, 16, Motion::always, 4).frame(7).pixels);
  EXPECT_EQ(scene.frame(7).pixels.size(), 32U * 16 * 3);
  EXPECT_EQ(scene.frame(30).time.count(), 1'000'000);
}

TEST(Scene, ThatIsStillHasNoiseAndPassesAThresholdOnce) {
  const Scene scene(64, 64, Motion::still);
  EXPECT_NE(scene.frame(0).pixels, scene.frame(1).pixels);
  EXPECT_EQ(passed(Motion::still, 90), 1);
}

TEST(Scene, ThatMovesNowAndThenPassesWhileItMoves) {
  const std::int64_t some = passed(Motion::sometimes, 90);
  EXPECT_GT(some, 5);
  EXPECT_LT(some, 40);
}

TEST(Scene, ThatAlwaysMovesPassesMost) { EXPECT_GT(passed(Motion::always, 90), 45); }

}  // namespace
}  // namespace streamdiffusion::bench
